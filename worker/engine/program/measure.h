// Sequences through the network, layer by layer, every layer's attention into figures.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "worker/engine/analysis/layer_analyzer.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/model/model.h"

namespace ondelette::engine {

// Layers begin..end-1 are measured; those before run, those after do not. The model ends there too.
struct LayerRange {
  int64_t begin;
  int64_t end;
};

// What becomes of a measurement. Sequences are counted as they were given. A status that is not OK
// ends it.
struct MeasureSink {
  // Every record of a sequence, float32 [layers, heads, Columns(spec)] on the CPU, NaN where
  // undefined: in the order of the sequences, once each.
  std::function<absl::Status(size_t sequence, const at::Tensor& records)> records;
  // Optional: a layer of a sequence has been measured; on a GPU, queued. All sequences of a batch are through a layer
  // before the next one begins.
  std::function<absl::Status(size_t sequence, int64_t layer)> progress;
  // Optional: each tile of the full sequence's attention, with all its keys.
  std::function<absl::Status(size_t sequence, int64_t layer, int64_t first_query,
                             const at::Tensor& attention)>
      attention;
};

// Tokens of a batch, at most, unless a single sequence has more.
inline constexpr int64_t kBatchTokens = 2048;

// Measures sequences that SequenceProblem has passed, cut to the spec's tokens. Shortened sequences
// (unless they can be read off the whole one: AnalysisPlan::needs_shortened) are passes of their own
// beside it. A batch of passes goes through the network together, layer by layer, so that every
// weight is read once a batch; batches are cut in the order of the sequences, whatever memory there
// is. Where the weights are streamed, all batches go through a layer before any goes on. One pass's
// attention is all that is ever in memory, a tile at a time. LibTorch's exceptions pass through.
absl::Status MeasureSequences(Model& model, const std::shared_ptr<const AnalysisPlan>& plan,
                              std::span<const std::span<const int32_t>> sequences,
                              LayerRange layers, const MeasureSink& sink);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_
