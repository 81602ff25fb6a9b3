// A GPU's attention without its probabilities.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "worker/engine/model/attention.h"

namespace ondelette::engine {

// Whether LibTorch's fused kernels take it: on CUDA, plain or causal softmax of scaled scores.
bool FusedServes(const at::Tensor& query, const AttentionRule& rule);

// Attention's output, as Attention has it; c10::Error where FusedServes does not say so.
at::Tensor FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const AttentionRule& rule);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_
