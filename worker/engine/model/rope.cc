#include "worker/engine/model/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>

namespace ondelette::engine {

RopeTable MakeRopeTable(int64_t tokens, int64_t dims, double theta, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  at::Tensor exponents = at::arange(0, dims, 2, options) / static_cast<double>(dims);
  at::Tensor frequencies = at::pow(theta, exponents).reciprocal();
  at::Tensor angles = at::arange(tokens, options).unsqueeze(1) * frequencies;
  angles = at::cat({angles, angles}, -1);
  return {angles.cos(), angles.sin()};
}

at::Tensor ApplyRope(const at::Tensor& heads, const RopeTable& table) {
  const int64_t width = table.cos.size(-1);
  if (width == 0) return heads;
  at::Tensor turned = heads.narrow(-1, 0, width);
  at::Tensor first = turned.narrow(-1, 0, width / 2);
  at::Tensor second = turned.narrow(-1, width / 2, width / 2);
  at::Tensor rotated = at::cat({-second, first}, -1);
  turned = turned * table.cos + rotated * table.sin;
  return at::cat({turned, heads.narrow(-1, width, heads.size(-1) - width)}, -1);
}

}  // namespace ondelette::engine
