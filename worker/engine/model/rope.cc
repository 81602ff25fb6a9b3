#include "worker/engine/model/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/where.h>

namespace ondelette::engine {

namespace {

constexpr double kTurn = 6.283185307179586;  // 2 pi

// Step by step as transformers' _compute_llama3_parameters, in float32.
at::Tensor Llama3Frequencies(const at::Tensor& frequencies, const RopeScaling& scaling) {
  const double context = scaling.original_max_positions;
  const double low = scaling.low_freq_factor, high = scaling.high_freq_factor;
  at::Tensor wavelength = kTurn / frequencies;
  at::Tensor slow = wavelength > context / low, fast = wavelength < context / high;
  at::Tensor divided = frequencies / scaling.factor;
  at::Tensor share = (context / wavelength - low) / (high - low);
  at::Tensor between = (1 - share) * divided + share * frequencies;
  return at::where(slow, divided, at::where(fast, frequencies, between));
}

}  // namespace

at::Tensor RopeFrequencies(int64_t dims, double theta, const RopeScaling& scaling,
                           at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  at::Tensor exponents = at::arange(0, dims, 2, options) / static_cast<double>(dims);
  at::Tensor frequencies = at::pow(theta, exponents).reciprocal();
  switch (scaling.kind) {
    case RopeScaling::Kind::kNone:
      return frequencies;
    case RopeScaling::Kind::kLinear:
      return frequencies / scaling.factor;
    case RopeScaling::Kind::kLlama3:
      return Llama3Frequencies(frequencies, scaling);
  }
  TORCH_CHECK(false, "unknown rope scaling");
}

RopeTable MakeRopeTable(int64_t tokens, const at::Tensor& frequencies) {
  at::Tensor angles = at::arange(tokens, frequencies.options()).unsqueeze(1) * frequencies;
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
  const int64_t tokens = heads.size(1);
  turned = turned * table.cos.narrow(0, 0, tokens) + rotated * table.sin.narrow(0, 0, tokens);
  return at::cat({turned, heads.narrow(-1, width, heads.size(-1) - width)}, -1);
}

}  // namespace ondelette::engine
