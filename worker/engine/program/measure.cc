#include "worker/engine/program/measure.h"

#include <utility>
#include <vector>

#include "common/digest/digest.h"
#include "worker/engine/analysis/shortened.h"

namespace ondelette::engine {
namespace {

// The hidden states of each shortened sequence, in the order of the spec's alphas.
std::vector<HiddenStates> EmbedShortened(const Model& model, const AnalysisPlan& plan,
                                         std::span<const int32_t> tokens,
                                         const std::string& digest) {
  std::vector<HiddenStates> hidden;
  if (!plan.needs_shortened()) return hidden;
  for (double alpha : plan.spec().alphas) {
    hidden.push_back(model.Embed(ShortenedTokens(plan.spec(), alpha, tokens, digest)));
  }
  return hidden;
}

// Where a sequence stands between two layers.
struct Course {
  HiddenStates hidden;
  std::vector<HiddenStates> shortened;
};

int64_t TileOf(const Model& model, const HiddenStates& hidden) {
  return TileQueries(model.heads(), hidden.tokens.size(0), hidden.tokens.device());
}

// Runs a layer that is not measured.
void PassLayer(const Model& model, int64_t layer, Course& course) {
  auto advance = [&](HiddenStates& hidden) {
    model.Layer(layer, hidden, {.tile_queries = TileOf(model, hidden)}, true);
  };
  advance(course.hidden);
  for (HiddenStates& hidden : course.shortened) advance(hidden);
}

absl::Status MeasureLayer(const Model& model, int64_t layer, LayerAnalyzer& analyzer,
                          const MeasureSink& sink, bool output_needed, Course& course) {
  absl::Status status;
  const bool lanes = true;
  auto full = [&](int64_t first, const at::Tensor& attention) {
    analyzer.Add(first, attention);
    if (sink.attention && status.ok()) status = sink.attention(layer, first, attention);
  };
  AttentionObserver observer{.tile_queries = TileOf(model, course.hidden)};
  if (lanes) observer.lanes = [&](const LaneBlock& block) { analyzer.Add(block); };
  else observer.tiles = full;
  model.Layer(layer, course.hidden, observer, output_needed);
  if (!status.ok()) return status;
  for (size_t alpha = 0; alpha < course.shortened.size(); ++alpha) {
    HiddenStates& hidden = course.shortened[alpha];
    auto shortened = [&](int64_t first, const at::Tensor& attention) {
      analyzer.AddShortened(alpha, first, attention);
    };
    AttentionObserver observer{.tile_queries = TileOf(model, hidden)};
    if (lanes) observer.lanes = [&](const LaneBlock& block) { analyzer.AddShortened(alpha, block); };
    else observer.tiles = shortened;
    model.Layer(layer, hidden, observer, output_needed);
  }
  return sink.records(layer, analyzer.Finish());
}

}  // namespace

absl::Status MeasureSequence(const Model& model, const std::shared_ptr<const AnalysisPlan>& plan,
                             std::span<const int32_t> tokens, LayerRange layers,
                             const MeasureSink& sink) {
  const std::string digest = TokensDigest(tokens);
  Course course{model.Embed(tokens), EmbedShortened(model, *plan, tokens, digest)};
  for (int64_t layer = 0; layer < layers.end; ++layer) {
    if (layer < layers.begin) {
      PassLayer(model, layer, course);
      continue;
    }
    LayerAnalyzer analyzer(plan, model.heads());
    const bool output_needed = layer + 1 < layers.end;
    absl::Status status = MeasureLayer(model, layer, analyzer, sink, output_needed, course);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ondelette::engine
