#include "worker/engine/model/pieces.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/tensor.h>

namespace ondelette::engine {

void Linear::Pack() {
  packed = PackedMatrix::Make(weight, bias);
  if (packed != nullptr) weight = at::Tensor();
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return packed != nullptr ? packed->Product(x) : at::linear(x, weight, bias);
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  at::Tensor normed = x * at::rsqrt((x * x).mean(-1, /*keepdim=*/true) + epsilon);
  return offset == 0 ? normed * weight : normed * (weight + offset);
}

at::Tensor Mlp::operator()(const at::Tensor& x) const { return down(Activate(activation, up(x))); }

at::Tensor GatedMlp::operator()(const at::Tensor& x) const {
  return down(Activate(activation, gate(x)) * up(x));
}

at::Tensor TokenTensor(std::span<const int32_t> tokens, at::Device device) {
  return at::tensor(at::ArrayRef<int32_t>(tokens.data(), tokens.size()), at::kInt).to(device);
}

at::Tensor SplitHeads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), heads, -1}).transpose(0, 1).contiguous();
}

}  // namespace ondelette::engine
