// Softmax attention, a tile of queries at a time.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "worker/engine/model/model.h"

namespace ondelette::engine {

// softmax(Q K^T / sqrt(head_dim), causal) V for query, key and value of [heads, n, head_dim], all
// float32: every tile goes to `observer`, then into the value product. Returns the heads side by
// side, [n, heads * head_dim], or an undefined tensor without the value product where the output is
// not needed.
//
// Keys after a tile's last query are masked for all of it: their scores are never computed.
at::Tensor CausalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionObserver& observer, bool output_needed);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_H_
