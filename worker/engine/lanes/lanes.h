// Arithmetic on sixteen numbers at once. Included only by kernels, which are compiled once for each
// instruction set (CMakeLists.txt): everything here has internal linkage.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANES_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANES_H_

#include <cstdint>
#include <cstring>

#include "worker/engine/lanes/vector_parts.h"

namespace ondelette::engine {
namespace {

using Lanes = Parts<float>;
using IntLanes = Parts<int32_t>;
using DoubleLanes = Parts<double>;

inline Lanes Splat(float value) { return value - Lanes{}; }

inline Lanes Max(Lanes a, Lanes b) { return Select(a > b, a, b); }
inline Lanes Min(Lanes a, Lanes b) { return Select(a < b, a, b); }

// Natural logarithm of normal numbers > 0, to within 2 units in the last place of 1 (1.2e-7 plus
// 1.2e-7 of the result): x = 2^e m, m in [sqrt(1/2), sqrt 2), ln m by a polynomial in m - 1
// (Cephes' logf).
inline Lanes Log(Lanes x) {
  IntLanes bits = Bits<int32_t>(x);
  IntLanes exponent = (bits - 0x3f3504f3) >> 23;
  Lanes m = Bits<float>(bits - (exponent << 23)) - 1.0f;
  Lanes e = Converted<float>(exponent);
  // By pairs (Estrin), not number by number (Horner): processors run ahead as far as their schedulers
  // reach, so that it is the longest chain that counts.
  const Lanes square = m * m;
  const Lanes third = 1.1676998740e-1f - m * 1.1514610310e-1f + square * 7.0376836292e-2f;
  const Lanes second = 1.4249322787e-1f - m * 1.2420140846e-1f + square * third;
  const Lanes first = 2.0000714765e-1f - m * 1.6668057665e-1f;
  const Lanes zeroth = 3.3333331174e-1f - m * 2.4999993993e-1f;
  const Lanes p = zeroth + square * first + square * square * second;
  const Lanes low = p * (m * square) + (e * -2.12194440e-4f - 0.5f * square);
  return e * 0.693359375f + (m + low);
}

// ln p with ln 0 a large finite number, so that p ln p is 0 there (entropy.h).
inline Lanes SafeLogLanes(Lanes p) { return Log(Max(p, Splat(1e-30f))); }

// e^x to within 2e-7 of it, for x <= 0: 0 below -87, NaN for NaN (Cephes' expf).
inline Lanes ExpOfNegative(Lanes x) {
  const IntLanes tiny = x < -87.0f;
  const Lanes bounded = Select(tiny, Splat(-87), x);
  constexpr float kRounder = 12582912;  // 1.5 2^23: adding it rounds to a whole number
  const Lanes whole = (bounded * 1.44269504088896341f + kRounder) - kRounder;
  const Lanes r = bounded - whole * 0.693359375f + whole * 2.12194440e-4f;
  Lanes p = Splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntLanes power = (Converted<int32_t>(whole) + 127) << 23;
  return Select(tiny, Lanes{}, p * Bits<float>(power));
}

// For every float: infinity above 88.
inline Lanes Exp(Lanes x) {
  const IntLanes large = x > 88.0f;
  return Select(large, Splat(__builtin_inff()), ExpOfNegative(Select(large, Splat(88), x)));
}

// Near 0 the quotient of exponentials would cancel: there the odd polynomial of Cephes' tanhf.
inline Lanes Tanh(Lanes x) {
  const Lanes size = Max(x, -x);
  const Lanes square = x * x;
  Lanes p = Splat(-5.70498872745e-3f);
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Lanes near = p * square * x + x;
  const Lanes far = 1.0f - 2.0f / (Exp(size + size) + 1.0f);
  return Select(size < 0.625f, near, Select(x < 0.0f, -far, far));
}

inline Lanes Sqrt(Lanes x) {
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
  return x;
}

inline DoubleLanes Widened(Lanes x) { return Converted<double>(x); }

// A sum that is rounded by stretches: thousands of float32 terms lose 1e-6 of it, not 1e-5.
class LaneSum {
 public:
  void Add(Lanes value) {
    stretch_ += value;
    if (++terms_ % 16 == 0) Flush();
  }
  // The sum, which is 0 again.
  Lanes Take() {
    Flush();
    const Lanes taken = total_;
    total_ = Lanes{};
    terms_ = 0;
    return taken;
  }

 private:
  void Flush() {
    total_ += stretch_;
    stretch_ = Lanes{};
  }

  Lanes total_ = {}, stretch_ = {};
  int64_t terms_ = 0;
};

// sums[0..15] += value where `counted` is not 0; elsewhere value may be anything.
inline void AddCounted(Lanes counted, Lanes value, double* sums) {
  DoubleLanes total;
  std::memcpy(&total, sums, sizeof(total));
  total += Widened(Select(counted != 0.0f, value, Lanes{}));
  std::memcpy(sums, &total, sizeof(total));
}

// 0, 1, ..., 15.
inline IntLanes LaneNumbers() {
  IntLanes numbers;
  for (int lane = 0; lane < kLanes; ++lane) numbers.part[lane / kWidth][lane % kWidth] = lane;
  return numbers;
}

inline Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
inline void Store(Lanes lanes, float* to) { std::memcpy(to, &lanes, sizeof(lanes)); }

// The first `count` numbers, 1 to kLanes; the others are 0, or are not written.
inline Lanes LoadSome(const float* from, int64_t count) {
  if (count == kLanes) return Load(from);
  Lanes lanes = {};
  std::memcpy(&lanes, from, static_cast<size_t>(count) * sizeof(float));
  return lanes;
}
inline void StoreSome(Lanes lanes, int64_t count, float* to) {
  if (count == kLanes) return Store(lanes, to);
  std::memcpy(to, &lanes, static_cast<size_t>(count) * sizeof(float));
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANES_H_
