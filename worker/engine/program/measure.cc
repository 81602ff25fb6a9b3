#include "worker/engine/program/measure.h"

#include <utility>
#include <vector>

#include "common/digest/digest.h"
#include "worker/engine/analysis/shortened.h"

namespace ondelette::engine {
namespace {

// The hidden states of each shortened sequence, in the order of the spec's alphas.
std::vector<at::Tensor> EmbedShortened(const Model& model, const AnalysisPlan& plan,
                                       std::span<const int32_t> tokens, const std::string& digest) {
  std::vector<at::Tensor> hidden;
  if (!plan.needs_shortened()) return hidden;
  for (double alpha : plan.spec().alphas) {
    hidden.push_back(model.Embed(ShortenedTokens(plan.spec(), alpha, tokens, digest)));
  }
  return hidden;
}

// Where a sequence stands between two layers.
struct Course {
  at::Tensor hidden;
  std::vector<at::Tensor> shortened;
};

// Runs a layer that is not measured.
void PassLayer(const Model& model, int64_t layer, Course& course) {
  auto advance = [&](at::Tensor& hidden) {
    AttentionObserver nobody{TileQueries(model.heads(), hidden.size(0), hidden.device()),
                             [](int64_t, const at::Tensor&) {}};
    hidden = model.Layer(layer, hidden, nobody, true);
  };
  advance(course.hidden);
  for (at::Tensor& hidden : course.shortened) advance(hidden);
}

absl::Status MeasureLayer(const Model& model, int64_t layer, LayerAnalyzer& analyzer,
                          const MeasureSink& sink, bool output_needed, Course& course) {
  absl::Status status;
  auto full = [&](int64_t first, const at::Tensor& attention) {
    analyzer.Add(first, attention);
    if (sink.attention && status.ok()) status = sink.attention(layer, first, attention);
  };
  const int64_t heads = model.heads();
  course.hidden = model.Layer(
      layer, course.hidden,
      {TileQueries(heads, course.hidden.size(0), course.hidden.device()), full}, output_needed);
  if (!status.ok()) return status;
  for (size_t alpha = 0; alpha < course.shortened.size(); ++alpha) {
    at::Tensor& hidden = course.shortened[alpha];
    auto shortened = [&](int64_t first, const at::Tensor& attention) {
      analyzer.AddShortened(alpha, first, attention);
    };
    hidden =
        model.Layer(layer, hidden, {TileQueries(heads, hidden.size(0), hidden.device()), shortened},
                    output_needed);
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
