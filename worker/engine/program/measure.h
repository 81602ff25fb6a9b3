// One sequence through the network, layer by layer, every layer's attention into figures.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "worker/engine/analysis/layer_analyzer.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/model/model.h"

namespace ondelette::engine {

// Layers begin..end-1 are measured; those before run, those after do not.
struct LayerRange {
  int64_t begin;
  int64_t end;
};

// What becomes of a measurement. A status that is not OK ends it.
struct MeasureSink {
  // The records of a layer: float32 [heads, Columns(spec)] on the CPU, NaN where undefined.
  std::function<absl::Status(int64_t layer, const at::Tensor& records)> records;
  // Optional: each tile of the full sequence's attention, as AttentionObserver has it.
  std::function<absl::Status(int64_t layer, int64_t first_query, const at::Tensor& attention)>
      attention;
};

// Measures the sequence, which SequenceProblem has passed, cut to the spec's tokens. Shortened
// sequences (unless they can be read off the whole one: AnalysisPlan::needs_shortened) advance
// through the same layers beside it, so one layer's attention is all that is ever in memory, a tile
// at a time. LibTorch's exceptions pass through.
absl::Status MeasureSequence(const Model& model, const std::shared_ptr<const AnalysisPlan>& plan,
                             std::span<const int32_t> tokens, LayerRange layers,
                             const MeasureSink& sink);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_MEASURE_H_
