#include "worker/engine/model/pieces.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "absl/functional/function_ref.h"

namespace ondelette::engine {
namespace {

// Rows of an MLP at a time: their inner values are still in a processor's cache when the second
// matrix reads them, and a GPU is filled.
int64_t MlpRows(at::Device device) { return device.is_cpu() ? 256 : 8192; }

bool Concurrent(const Linear& matrix) {
  return matrix.packed != nullptr && matrix.packed->concurrent();
}

// An MLP's result, made some rows at a time by `part`. Where that may be, and there are enough of
// them, a thread takes its rows through both matrices and waits for nobody in between.
at::Tensor ByRows(const at::Tensor& x, bool concurrent,
                  absl::FunctionRef<void(const at::Tensor& x, const at::Tensor& out)> part) {
  at::Tensor out = at::empty_like(x);
  const int64_t rows = x.size(0), step = MlpRows(x.device());
  const int64_t parts = (rows + step - 1) / step;
  auto some = [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t first = at * rows / parts, count = (at + 1) * rows / parts - first;
      part(x.narrow(0, first, count), out.narrow(0, first, count));
    }
  };
  if (concurrent && parts >= at::get_num_threads()) {
    at::parallel_for(0, parts, 1, some);
  } else {
    some(0, parts);
  }
  return out;
}

}  // namespace

at::Tensor Embedding::operator()(const at::Tensor& tokens) const {
  return at::embedding(table, tokens).to(at::kFloat);
}

int64_t Linear::out() const { return packed != nullptr ? packed->out() : weight.size(0); }

void Linear::Into(const at::Tensor& x, std::optional<Activation> activation,
                  const at::Tensor& out) const {
  if (packed != nullptr) {
    packed->Product(x.contiguous(), bias, activation, out);
    return;
  }
  at::Tensor product = at::linear(x, weight, bias);
  out.copy_(activation ? Activate(*activation, product) : product);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (packed == nullptr) return at::linear(x, weight, bias);
  at::Tensor result = at::empty({x.size(0), out()}, x.options());
  Into(x, std::nullopt, result);
  return result;
}

at::Tensor Linear::operator()(const at::Tensor& x, Activation activation) const {
  if (packed == nullptr) return Activate(activation, at::linear(x, weight, bias));
  at::Tensor result = at::empty({x.size(0), out()}, x.options());
  Into(x, activation, result);
  return result;
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  at::Tensor normed = x * at::rsqrt((x * x).mean(-1, /*keepdim=*/true) + epsilon);
  return offset == 0 ? normed.mul_(weight) : normed.mul_(weight + offset);
}

at::Tensor Mlp::operator()(const at::Tensor& x) const {
  return ByRows(x, Concurrent(up), [this](const at::Tensor& rows, const at::Tensor& out) {
    down.Into(up(rows, activation), std::nullopt, out);
  });
}

at::Tensor GatedMlp::operator()(const at::Tensor& x) const {
  return ByRows(x, Concurrent(up), [this](const at::Tensor& rows, const at::Tensor& out) {
    down.Into(gate(rows, activation).mul_(up(rows)), std::nullopt, out);
  });
}

at::Tensor TokenTensor(std::span<const std::span<const int32_t>> passes, at::Device device) {
  std::vector<int32_t> rows;
  for (std::span<const int32_t> pass : passes) rows.insert(rows.end(), pass.begin(), pass.end());
  return at::tensor(rows, at::kInt).to(device);
}

std::vector<int64_t> Lengths(std::span<const std::span<const int32_t>> passes) {
  std::vector<int64_t> lengths;
  for (std::span<const int32_t> pass : passes) {
    lengths.push_back(static_cast<int64_t>(pass.size()));
  }
  return lengths;
}

void AddPositions(const std::vector<int64_t>& lengths, const at::Tensor& positions,
                  const at::Tensor& rows) {
  int64_t first = 0;
  for (int64_t length : lengths) {
    rows.narrow(0, first, length).add_(positions.narrow(0, 0, length));
    first += length;
  }
}

at::Tensor SplitHeads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), heads, -1}).transpose(0, 1).contiguous();
}

}  // namespace ondelette::engine
