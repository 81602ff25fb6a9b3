// The pieces that networks are made of: matrices, norms and MLPs. Each is a value that holds its
// weights (undefined tensors until they are loaded) and is called on hidden states [n, in].
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>

#include "worker/engine/model/activations.h"
#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

// x W^T + b: a matrix [out, in] and its bias [out], undefined where the network has none.
struct Linear {
  at::Tensor weight, bias;
  std::shared_ptr<const PackedMatrix> packed;  // takes the place of weight where it is there

  // Packs the weight if this build and its device can.
  void Pack();
  at::Tensor operator()(const at::Tensor& x) const;
};

// (x - mean) / sqrt(variance + epsilon) w + b (arXiv 1607.06450).
struct LayerNorm {
  at::Tensor weight, bias;
  double epsilon = 0;
  at::Tensor operator()(const at::Tensor& x) const;
};

// x / sqrt(mean(x^2) + epsilon) (offset + w) (arXiv 1910.07467); Gemma's offset is 1.
struct RmsNorm {
  at::Tensor weight;
  double epsilon = 0;
  double offset = 0;
  at::Tensor operator()(const at::Tensor& x) const;
};

// down(activation(up(x))).
struct Mlp {
  Linear up, down;
  Activation activation = Activation::kGelu;
  at::Tensor operator()(const at::Tensor& x) const;
};

// down(activation(gate(x)) up(x)) (GLU variants, arXiv 2002.05202).
struct GatedMlp {
  Linear gate, up, down;
  Activation activation = Activation::kSilu;
  at::Tensor operator()(const at::Tensor& x) const;
};

// Token ids as a tensor [n].
at::Tensor TokenTensor(std::span<const int32_t> tokens, at::Device device);

// [n, heads * head_dim] -> [heads, n, head_dim], contiguous.
at::Tensor SplitHeads(const at::Tensor& x, int64_t heads);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_
