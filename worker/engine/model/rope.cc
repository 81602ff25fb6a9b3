#include "worker/engine/model/rope.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/where.h>

#include <algorithm>

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

// Fewer are not worth waking another thread for.
constexpr int64_t kVectorsAThread = 2048;

// One head of one token.
void TurnVector(const float* __restrict__ x, const float* __restrict__ cos,
                const float* __restrict__ sin, int64_t width, int64_t dims,
                float* __restrict__ out) {
  const int64_t half = width / 2;
  for (int64_t i = 0; i < half; ++i) {
    out[i] = x[i] * cos[i] - x[i + half] * sin[i];
    out[i + half] = x[i + half] * cos[i + half] + x[i] * sin[i + half];
  }
  std::copy(x + width, x + dims, out + width);
}

// The same of heads [heads, n, head_dim], by LibTorch's means on any device.
at::Tensor TurnByTensors(const at::Tensor& heads, const RopeTable& table) {
  const int64_t width = table.cos.size(-1), tokens = heads.size(1);
  if (width == 0) return heads;
  at::Tensor turned = heads.narrow(-1, 0, width);
  at::Tensor first = turned.narrow(-1, 0, width / 2);
  at::Tensor second = turned.narrow(-1, width / 2, width / 2);
  at::Tensor rotated = at::cat({-second, first}, -1);
  turned = turned * table.cos.narrow(0, 0, tokens) + rotated * table.sin.narrow(0, 0, tokens);
  return at::cat({turned, heads.narrow(-1, width, heads.size(-1) - width)}, -1);
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

at::Tensor TurnHeads(const at::Tensor& x, const RopeTable& table) {
  if (!x.is_cpu()) return TurnByTensors(x.transpose(0, 1), table).contiguous();
  const int64_t tokens = x.size(0), heads = x.size(1), dims = x.size(2);
  const int64_t width = table.cos.size(-1);
  at::Tensor turned = at::empty({heads, tokens, dims}, x.options());
  const float *from = x.data_ptr<float>(), *cos = table.cos.data_ptr<float>(),
              *sin = table.sin.data_ptr<float>();
  auto* to = turned.data_ptr<float>();
  const int64_t token_stride = x.stride(0), head_stride = x.stride(1);
  at::parallel_for(0, heads * tokens, kVectorsAThread, [&](int64_t begin, int64_t end) {
    for (int64_t place = begin; place < end; ++place) {
      const int64_t head = place / tokens, token = place % tokens;
      TurnVector(from + token * token_stride + head * head_stride, cos + token * width,
                 sin + token * width, width, dims, to + place * dims);
    }
  });
  return turned;
}

}  // namespace ondelette::engine
