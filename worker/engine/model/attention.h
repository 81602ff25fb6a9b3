// Softmax attention, a tile of queries at a time.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/engine/model/model.h"

namespace ondelette::engine {

// How queries and keys become probabilities.
struct AttentionRule {
  double scale;  // of the scores
  double softcap =
      0;  // scores become softcap tanh(scores / softcap), before the mask; 0: they stay
  bool causal = true;  // key j is masked for query i where j > i
  int64_t window = 0;  // and where i - j >= window; 0: no window. Causal rules only
  // Added to the scores: the bias of key j for query i stands at [head, j - i + n - 1]. [heads,
  // 2 n - 1], or undefined.
  at::Tensor distance_bias = {};
};

// softmax(scale Q K^T, as the rule says) V for query [heads, n, head_dim], key and value [key
// heads, n, head_dim], all float32 and contiguous: every tile goes to `observer`, then into the
// value product. `heads` is a multiple of the key heads; query head h reads key head
// h / (heads / key heads) (grouped-query attention, arXiv 2305.13245). Returns the heads side by
// side, [n, heads * head_dim], or an undefined tensor without the value product where the output is
// not needed.
//
// Keys that are masked for all of a tile are not scored. What is masked gets exactly 0.
at::Tensor Attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const AttentionRule& rule, const AttentionObserver& observer,
                     bool output_needed);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_
