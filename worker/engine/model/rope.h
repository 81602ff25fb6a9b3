// Rotary position embedding (RoFormer, arXiv 2104.09864), in the halves layout of GPT-NeoX and
// Llama: the first dims of a head are two halves, and (x_i, x_{i + dims/2}) turns by position *
// frequency i.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ROPE_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ROPE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/engine/checkpoint/model_config.h"

namespace ondelette::engine {

// cos and sin of positions 0..n-1, each [n, width], width = 2 ceil(dims / 2).
struct RopeTable {
  at::Tensor cos;
  at::Tensor sin;
};

// theta^(-2i / dims), scaled as the config says: float32 [ceil(dims / 2)]. `linear` divides all by
// the factor; `llama3` leaves those that turn at least high_freq_factor times within the original
// context, divides by the factor those that turn less than low_freq_factor times, and goes from the
// one to the other in between (Llama 3.1, arXiv 2407.21783).
at::Tensor RopeFrequencies(int64_t dims, double theta, const RopeScaling& scaling,
                           at::Device device);

// Angles are float32 products of float32 frequencies, as in transformers: at position 1,000 they
// differ by up to 3e-5 from exact ones, and checkpoints were trained with these.
RopeTable MakeRopeTable(int64_t tokens, const at::Tensor& frequencies);

// Turns the first `width` dimensions of queries or keys [n, heads, head_dim], by the table's first n
// positions; the rest passes. Any strides, but a head's dimensions lie side by side. Returns [heads,
// n, head_dim], contiguous.
at::Tensor TurnHeads(const at::Tensor& x, const RopeTable& table);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ROPE_H_
