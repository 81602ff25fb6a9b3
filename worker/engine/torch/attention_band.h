// What windows of attention are made of where the attention itself never exists.
#ifndef ONDELETTE_WORKER_ENGINE_TORCH_ATTENTION_BAND_H_
#define ONDELETTE_WORKER_ENGINE_TORCH_ATTENTION_BAND_H_

#include <ATen/core/Tensor.h>

namespace ondelette::engine {

// One pass's queries and keys, all heads: A[i, j] = exp(scale q_i . k_j - L_i) for the keys that query
// i sees, j <= i where `causal`, else all.
struct AttentionBand {
  at::Tensor query;        // [heads, n, head_dim] float32
  at::Tensor key;          // [key heads, n, head_dim]
  at::Tensor log_sum_exp;  // L, [heads, n] float32
  double scale;
  bool causal;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TORCH_ATTENTION_BAND_H_
