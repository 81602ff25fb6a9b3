// The pieces that networks are made of: embeddings, matrices, norms and MLPs. Each is a value that
// holds its weights (undefined tensors until they are loaded) and is called on hidden states [n,
// in], whose rows it treats one by one.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "worker/engine/model/activations.h"
#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

// A row for each token id. The table [vocabulary, width] stays in the type it is stored in: few of
// its rows are ever asked for, and those become float32.
struct Embedding {
  at::Tensor table;
  at::Tensor operator()(const at::Tensor& tokens) const;
};

// x W^T + b: a matrix [out, in] and its bias [out], undefined where the network has none.
struct Linear {
  at::Tensor weight, bias;
  std::shared_ptr<const PackedMatrix> packed;  // takes the place of weight where it is there

  int64_t out() const;
  at::Tensor operator()(const at::Tensor& x) const;
  at::Tensor operator()(const at::Tensor& x, Activation activation) const;
  // activation(x W^T + b) into `out`, which is contiguous.
  void Into(const at::Tensor& x, std::optional<Activation> activation, const at::Tensor& out) const;
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

// down(activation(up(x))), so many rows at a time that what lies between the matrices stays small.
struct Mlp {
  Linear up, down;
  Activation activation = Activation::kGelu;
  at::Tensor operator()(const at::Tensor& x) const;
};

// down(activation(gate(x)) up(x)) (GLU variants, arXiv 2002.05202), by rows like Mlp.
struct GatedMlp {
  Linear gate, up, down;
  Activation activation = Activation::kSilu;
  at::Tensor operator()(const at::Tensor& x) const;
};

// The token ids of all passes, one after the other: [rows].
at::Tensor TokenTensor(std::span<const std::span<const int32_t>> passes, at::Device device);
// The passes' lengths.
std::vector<int64_t> Lengths(std::span<const std::span<const int32_t>> passes);
// Adds rows 0..n-1 of `positions` to the n rows of each pass.
void AddPositions(const std::vector<int64_t>& lengths, const at::Tensor& positions,
                  const at::Tensor& rows);

// [n, heads * head_dim] -> [heads, n, head_dim], contiguous.
at::Tensor SplitHeads(const at::Tensor& x, int64_t heads);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PIECES_H_
