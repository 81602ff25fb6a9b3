// One step: with the samples continued to x[-2..2 half - 1] (periodization: x[-1..2 half]),
//   c[k] = f0 x[2k+1] + f1 x[2k] + f2 x[2k-1] + f3 x[2k-2]    (periodization: each one further
//   right)
// for the low-pass filter (approximation) and the high-pass filter (detail). In terms of the
// continued samples' even and odd halves E and O both are four slices:
//   c[k] = f0 O[k+1] + f1 E[k+1] + f2 O[k] + f3 E[k].
#include "worker/engine/analysis/wavelet.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ondelette::engine {
namespace {

// db2: (1 + sqrt 3) / (4 sqrt 2), ..., as decomposition filters.
constexpr std::array<double, 4> kLowPass = {-0.12940952255126037, 0.2241438680420134,
                                            0.8365163037378079, 0.48296291314453416};
constexpr std::array<double, 4> kHighPass = {-0.48296291314453416, 0.8365163037378079,
                                             -0.2241438680420134, -0.12940952255126037};

// Which of the samples 0..length-1 stands at `position` outside of them. `zero` takes any: what is
// copied is zeroed.
int64_t SampleAt(int64_t position, int64_t length, Boundary boundary) {
  auto wrapped = [position](int64_t period) { return (position % period + period) % period; };
  switch (boundary) {
    case Boundary::kSymmetric: {
      int64_t index = wrapped(2 * length);
      return index < length ? index : 2 * length - 1 - index;
    }
    case Boundary::kReflect: {
      if (length == 1) return 0;
      int64_t index = wrapped(2 * length - 2);
      return index < length ? index : 2 * length - 2 - index;
    }
    case Boundary::kPeriodization:
      // An odd signal is made even by its last sample once more.
      return std::min(wrapped(length + length % 2), length - 1);
    case Boundary::kZero:
      break;
  }
  return 0;
}

std::vector<int64_t> SamplesAt(int64_t begin, int64_t end, int64_t length, Boundary boundary) {
  std::vector<int64_t> samples;
  for (int64_t position = begin; position < end; ++position) {
    samples.push_back(SampleAt(position, length, boundary));
  }
  return samples;
}

at::Tensor Filter(const at::Tensor& even, const at::Tensor& odd, int64_t half,
                  const std::array<double, 4>& filter) {
  at::Tensor out = at::mul(odd.narrow(-1, 1, half), filter[0]);
  out.add_(even.narrow(-1, 1, half), filter[1]);
  out.add_(odd.narrow(-1, 0, half), filter[2]);
  return out.add_(even.narrow(-1, 0, half), filter[3]);
}

}  // namespace

Wavelet::Wavelet(int64_t length, int level, Boundary boundary, at::Device device)
    : boundary_(boundary) {
  const bool periodic = boundary == Boundary::kPeriodization;
  const int64_t first = periodic ? -1 : -2;
  table_.length = length;
  table_.periodic = periodic;
  table_.zeros = boundary == Boundary::kZero;
  for (int at = 0; at < level; ++at) {
    int64_t half = (length + (periodic ? 1 : 3)) / 2;
    int64_t end = first + 2 * half + 2;
    std::vector<int64_t> left = SamplesAt(first, 0, length, boundary);
    std::vector<int64_t> right = SamplesAt(length, end, length, boundary);
    steps_.push_back({length, half, at::tensor(left, at::kLong).to(device),
                      at::tensor(right, at::kLong).to(device)});
    table_.steps.push_back({length, half, std::move(left), std::move(right)});
    table_.coefficients += half;
    lengths_.push_back(half);
    length = half;
  }
  lengths_.push_back(lengths_.back());
  table_.coefficients += lengths_.back();
  std::reverse(lengths_.begin(), lengths_.end());
}

at::Tensor Wavelet::Extend(const at::Tensor& signals, const Step& step) const {
  at::Tensor left = signals.index_select(-1, step.left);
  at::Tensor right = signals.index_select(-1, step.right);
  if (boundary_ == Boundary::kZero) {
    left.zero_();
    right.zero_();
  }
  return at::cat({left, signals, right}, -1);
}

std::vector<at::Tensor> Wavelet::Transform(const at::Tensor& signals) const {
  std::vector<at::Tensor> levels;
  at::Tensor approximation = signals;
  for (const Step& step : steps_) {
    at::Tensor extended = Extend(approximation, step);
    at::Tensor even = extended.slice(-1, 0, c10::nullopt, 2).contiguous();
    at::Tensor odd = extended.slice(-1, 1, c10::nullopt, 2).contiguous();
    approximation = Filter(even, odd, step.half, kLowPass);
    levels.push_back(Filter(even, odd, step.half, kHighPass));
  }
  levels.push_back(approximation);
  std::reverse(levels.begin(), levels.end());
  return levels;
}

// The reconstruction filters are the decomposition filters backwards. Sample t gets
// r[j] c[k] from every k, j with t = 2k + j - 2 (periodization: 2k + j - 1, around the circle).
at::Tensor Wavelet::InverseStep(const at::Tensor& approximation, const at::Tensor& detail) const {
  // `half` coefficients beginning at `offset`, each with the filter's tap j.
  auto tap = [&](const at::Tensor& low, const at::Tensor& high, int64_t offset, int64_t count,
                 int j) {
    return at::mul(low.narrow(-1, offset, count), kLowPass[3 - j])
        .add_(high.narrow(-1, offset, count), kHighPass[3 - j]);
  };
  at::Tensor low = approximation;
  at::Tensor high = detail;
  int64_t half = low.size(-1);
  at::Tensor even;
  at::Tensor odd;
  if (boundary_ == Boundary::kPeriodization) {
    auto circle = [half](const at::Tensor& c) {
      return at::cat({c.narrow(-1, half - 1, 1), c, c.narrow(-1, 0, 1)}, -1);
    };
    low = circle(low);
    high = circle(high);
    even = tap(low, high, 1, half, 1).add_(tap(low, high, 0, half, 3));
    odd = tap(low, high, 2, half, 0).add_(tap(low, high, 1, half, 2));
  } else {
    even = tap(low, high, 1, half - 1, 0).add_(tap(low, high, 0, half - 1, 2));
    odd = tap(low, high, 1, half - 1, 1).add_(tap(low, high, 0, half - 1, 3));
  }
  return at::stack({even, odd}, -1).flatten(-2);
}

at::Tensor Wavelet::Inverse(const std::vector<at::Tensor>& levels) const {
  at::Tensor signals = levels[0];
  for (size_t at = 1; at < levels.size(); ++at) {
    const Step& step = steps_[steps_.size() - at];
    // A step makes an even number of samples: the last is one too many for an odd length.
    signals = InverseStep(signals, levels[at]).narrow(-1, 0, step.length);
  }
  return signals;
}

}  // namespace ondelette::engine
