#include "worker/engine/transforms/fft_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ondelette::engine {
namespace {

constexpr double kTurn = 6.283185307179586;  // 2 pi

void AddRoot(int64_t numerator, int64_t denominator, std::vector<float>& out) {
  const double angle =
      -kTurn * static_cast<double>(numerator % denominator) / static_cast<double>(denominator);
  out.push_back(static_cast<float>(std::cos(angle)));
  out.push_back(static_cast<float>(std::sin(angle)));
}

// Eights as far as they go, the rest of the power of two by fours: two twos would be a pass more.
std::vector<int64_t> Radices(int64_t length) {
  int64_t twos = 0;
  for (; length % 2 == 0; length /= 2) ++twos;
  std::vector<int64_t> radices;
  for (; twos >= 3 && twos != 4; twos -= 3) radices.push_back(8);
  for (; twos >= 2; twos -= 2) radices.push_back(4);
  if (twos == 1) radices.push_back(2);
  for (int64_t factor = 3; length > 1; factor += 2) {
    if (factor * factor > length) factor = length;
    for (; length % factor == 0; length /= factor) radices.push_back(factor);
  }
  return radices;
}

}  // namespace

FftPlan::FftPlan(int64_t points) : length(points) {
  int64_t rest = points, stride = 1;
  for (int64_t radix : Radices(points)) {
    const int64_t count = rest / radix;
    Pass pass{radix, count, stride, {}, {}, {}};
    if (PrimeSplit::Pays(radix)) pass.split = PrimeSplit(radix);
    for (int64_t p = 0; p < count; ++p) {
      for (int64_t k = 0; k < radix; ++k) AddRoot(p * k, rest, pass.twiddles);
    }
    for (int64_t j = 1; radix % 2 == 1 && j <= radix / 2; ++j) {
      for (int64_t k = 1; k <= radix / 2; ++k) AddRoot(j * k, radix, pass.roots);
    }
    const bool split = pass.split.quarter > 0;
    room = std::max(room, split ? 2 * PrimeSplit::kSums * pass.split.rounded : radix);
    passes.push_back(std::move(pass));
    rest = count;
    stride *= radix;
  }
}

int64_t LargestPrimeFactor(int64_t length) {
  int64_t largest = 1;
  for (int64_t radix : Radices(length)) largest = std::max(largest, radix % 2 == 0 ? 2 : radix);
  return largest;
}

}  // namespace ondelette::engine
