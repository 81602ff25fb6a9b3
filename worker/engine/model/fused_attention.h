// A GPU's attention without its probabilities, and what is needed to find single ones again.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "worker/engine/model/attention.h"

namespace ondelette::engine {

// Whether LibTorch's fused kernel takes it: on CUDA, plain or causal softmax of scaled scores, heads of
// a multiple of 8 numbers.
bool FusedServes(const at::Tensor& query, const AttentionRule& rule);

struct FusedOutput {
  at::Tensor output;       // [n, heads * head_dim]
  at::Tensor log_sum_exp;  // [heads, n]
};
// As Attention has it, of query [heads, n, head_dim], key and value [key heads, n, head_dim].
FusedOutput FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionRule& rule);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_FUSED_ATTENTION_H_
