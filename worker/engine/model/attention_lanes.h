// Softmax attention on the CPU, head by head and sixteen queries at a time (lanes/).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_LANES_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_LANES_H_

#include <ATen/core/Tensor.h>

#include <functional>

#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/model/attention.h"

namespace ondelette::engine {

// As Attention; every block goes to `observe`, where there is one, and then into the value product,
// without leaving the processor's cache. Heads are spread over threads, so blocks of different heads
// come at the same time.
at::Tensor AttentionLanes(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const AttentionRule& rule,
                          const std::function<void(const LaneBlock&)>& observe, bool output_needed);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_LANES_H_
