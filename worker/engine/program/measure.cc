#include "worker/engine/program/measure.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/digest/digest.h"
#include "worker/engine/analysis/shortened.h"
#include "worker/engine/analysis/tiles.h"

namespace ondelette::engine {
namespace {

using Tokens = std::span<const int32_t>;

// A run of the network, and what its attention is to the sequence.
struct Pass {
  size_t sequence;
  std::optional<size_t> alpha;  // of a shortened sequence
};

// Sequences that go through a layer together.
struct Batch {
  size_t first;  // sequence
  std::vector<Pass> passes;
  HiddenStates states;
  std::vector<std::vector<at::Tensor>> records;  // by sequence and measured layer
};

struct Measurement {
  Model& model;
  std::shared_ptr<const AnalysisPlan> plan;
  LayerRange layers;
  const MeasureSink& sink;
};

// Tokens of a sequence's passes, its shortened ones with it.
int64_t PassTokens(const AnalysisPlan& plan) {
  int64_t tokens = plan.spec().tokens;
  if (!plan.needs_shortened()) return tokens;
  for (size_t alpha = 0; alpha < plan.spec().alphas.size(); ++alpha) {
    tokens += plan.shortened_tokens(alpha);
  }
  return tokens;
}

Batch MakeBatch(const Measurement& measurement, std::span<const Tokens> sequences, size_t first,
                size_t count) {
  const AnalysisPlan& plan = *measurement.plan;
  Batch batch{.first = first, .passes = {}, .states = {}, .records = {}};
  std::vector<std::vector<int32_t>> shortened;
  std::vector<Tokens> tokens;
  shortened.reserve(count * plan.spec().alphas.size());  // spans point into it
  for (size_t sequence = first; sequence < first + count; ++sequence) {
    batch.passes.push_back({sequence, std::nullopt});
    tokens.push_back(sequences[sequence]);
    if (!plan.needs_shortened()) continue;
    const std::string digest = TokensDigest(sequences[sequence]);
    for (size_t alpha = 0; alpha < plan.spec().alphas.size(); ++alpha) {
      batch.passes.push_back({sequence, alpha});
      tokens.push_back(shortened.emplace_back(
          ShortenedTokens(plan.spec(), plan.spec().alphas[alpha], sequences[sequence], digest)));
    }
  }
  batch.states = measurement.model.Embed(tokens);
  batch.records.resize(count);
  return batch;
}

// The block's rows to attention [heads, n, n].
void CopyLanes(const LaneBlock& block, const at::Tensor& attention) {
  float* rows =
      attention.data_ptr<float>() + (block.head * block.keys + block.first_query) * block.keys;
  for (int64_t query = 0; query < block.queries; ++query) {
    for (int64_t key = 0; key < block.keys; ++key) {
      rows[query * block.keys + key] = block.values[key * kLaneCount + query];
    }
  }
}

// Runs a layer that is not measured.
void PassLayer(const Model& model, int64_t layer, Batch& batch) {
  model.Layer(layer, batch.states, [](size_t /*pass*/) { return AttentionObserver{}; });
}

// One layer of a batch into records. A sequence's passes follow each other, so there is one analyzer
// at a time.
class LayerMeasurement {
 public:
  LayerMeasurement(const Measurement& measurement, int64_t layer, Batch& batch)
      : measurement_(measurement), layer_(layer), batch_(batch) {}

  absl::Status Run() {
    measurement_.model.Layer(layer_, batch_.states, [this](size_t pass) {
      Begin(batch_.passes[pass]);
      return Observer(batch_.states.lengths[pass]);
    });
    End();
    return status_;
  }

 private:
  void Begin(const Pass& pass) {
    EndPass();
    if (!analyzer_ || pass.sequence != pass_.sequence) {
      End();
      analyzer_.emplace(measurement_.plan, measurement_.model.heads());
    }
    pass_ = pass;
  }

  AttentionObserver Observer(int64_t tokens) {
    if (measurement_.plan->lanes() == nullptr) {
      AttentionObserver observer{.tile_queries = TileQueries(measurement_.model.heads(), tokens,
                                                             measurement_.model.device()),
                                 .by_teams = measurement_.plan->teams() != nullptr};
      // Who wants to see attention sees all of it.
      if (measurement_.plan->takes_scores() && !measurement_.sink.attention) {
        observer.scores = [this](const SoftmaxArguments& rows) { Observe(rows); };
      } else {
        observer.tiles = [this](int64_t first, const at::Tensor& tile) { Observe(first, tile); };
      }
      return observer;
    }
    if (measurement_.sink.attention && !pass_.alpha) {
      whole_ = at::empty({measurement_.model.heads(), tokens, tokens}, at::kFloat);
    }
    return {.lanes = [this](const LaneBlock& block) { Observe(block); }};
  }

  void Observe(int64_t first, const at::Tensor& attention) {
    if (pass_.alpha) return analyzer_->AddShortened(*pass_.alpha, first, attention);
    analyzer_->Add(first, attention);
    if (measurement_.sink.attention) {
      Show(first, OverAllKeys(attention, measurement_.plan->spec().tokens));
    }
  }

  void Observe(const SoftmaxArguments& rows) {
    if (pass_.alpha) return analyzer_->AddShortened(*pass_.alpha, rows);
    analyzer_->Add(rows);
  }

  // Called by several threads, each with heads of its own.
  void Observe(const LaneBlock& block) {
    if (pass_.alpha) return analyzer_->AddShortened(*pass_.alpha, block);
    analyzer_->Add(block);
    if (whole_.defined()) CopyLanes(block, whole_);
  }

  void Show(int64_t first, const at::Tensor& attention) {
    if (!measurement_.sink.attention || !status_.ok()) return;
    status_ = measurement_.sink.attention(pass_.sequence, layer_, first, attention);
  }

  void EndPass() {
    if (whole_.defined()) Show(0, whole_);
    whole_.reset();
  }

  // The sequence's last pass is over.
  void End() {
    EndPass();
    if (!analyzer_) return;
    batch_.records[pass_.sequence - batch_.first].push_back(analyzer_->Finish());
    analyzer_.reset();
    if (measurement_.sink.progress && status_.ok()) {
      status_ = measurement_.sink.progress(pass_.sequence, layer_);
    }
  }

  const Measurement& measurement_;
  const int64_t layer_;
  Batch& batch_;
  Pass pass_{};       // the current one
  at::Tensor whole_;  // [heads, n, n]: its attention, where it comes in lanes and is to be shown
  std::optional<LayerAnalyzer> analyzer_;
  absl::Status status_;
};

absl::Status RunLayer(const Measurement& measurement, int64_t layer, Batch& batch) {
  if (layer >= measurement.layers.begin) return LayerMeasurement(measurement, layer, batch).Run();
  PassLayer(measurement.model, layer, batch);
  return absl::OkStatus();
}

absl::Status HandOver(const MeasureSink& sink, Batch& batch) {
  for (size_t at = 0; at < batch.records.size(); ++at) {
    absl::Status status = sink.records(batch.first + at, at::stack(batch.records[at]).to(at::kCPU));
    if (!status.ok()) return status;
    batch.records[at].clear();
  }
  return absl::OkStatus();
}

// The batches of sequences first..first+count-1 through all layers, one layer after the other.
absl::Status MeasureGroup(const Measurement& measurement, std::span<const Tokens> sequences,
                          size_t first, size_t count, size_t batch_sequences) {
  std::vector<Batch> batches;
  for (size_t next = first; next < first + count; next += batch_sequences) {
    batches.push_back(
        MakeBatch(measurement, sequences, next, std::min(batch_sequences, first + count - next)));
  }
  for (int64_t layer = 0; layer < measurement.layers.end; ++layer) {
    if (absl::Status here = measurement.model.EnterLayer(layer); !here.ok()) return here;
    for (Batch& batch : batches) {
      if (absl::Status status = RunLayer(measurement, layer, batch); !status.ok()) return status;
    }
  }
  for (Batch& batch : batches) {
    if (absl::Status status = HandOver(measurement.sink, batch); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureSequences(Model& model, const std::shared_ptr<const AnalysisPlan>& plan,
                              std::span<const Tokens> sequences, LayerRange layers,
                              const MeasureSink& sink) {
  const Measurement measurement{model, plan, layers, sink};
  const auto batch = static_cast<size_t>(std::max<int64_t>(1, kBatchTokens / PassTokens(*plan)));
  const size_t group = model.streamed() ? std::max<size_t>(sequences.size(), 1) : batch;
  for (size_t first = 0; first < sequences.size(); first += group) {
    const size_t count = std::min(group, sequences.size() - first);
    absl::Status status = MeasureGroup(measurement, sequences, first, count, batch);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ondelette::engine
