// Passes of a prime radix on lanes of complex numbers. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_PRIME_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_PRIME_H_

#include <cstdint>

#include "worker/engine/lanes/lanes.h"
#include "worker/engine/transforms/butterflies.h"
#include "worker/engine/transforms/fft_plan.h"

namespace ondelette::engine {
namespace {

// out[b] = sum_a x[a] filter[a + b], a < q, for all b of the split.
inline void Correlate(const PrimeSplit& split, const ComplexOf<Lanes>* x, const float* filter,
                      ComplexOf<Lanes>* out) {
  constexpr int64_t kCount = PrimeSplit::kTogether;
  for (int64_t b = 0; b < split.rounded; b += kCount) {
    ComplexOf<Lanes> sums[kCount] = {};
    const float* met = filter + b;
    for (int64_t a = 0; a < split.quarter; ++a, ++met) {
      const ComplexOf<Lanes>& number = x[a];
      for (int64_t k = 0; k < kCount; ++k) {
        sums[k].re += number.re * met[k];
        sums[k].im += number.im * met[k];
      }
    }
    for (int64_t k = 0; k < kCount; ++k) out[b + k] = sums[k];
  }
}

// The transform of x[0], x[apart], ... to y[0], y[out_apart], ..., turned by w, by a PrimeSplit.
// `room` is for 2 kSums split.rounded numbers.
template <bool turned>
inline void TransformPrime(const FftPlan::Pass& pass, const ComplexOf<Lanes>* x, int64_t apart,
                           const float* w, ComplexOf<Lanes>* y, int64_t out_apart,
                           ComplexOf<Lanes>* room) {
  using Complex = ComplexOf<Lanes>;
  const PrimeSplit& split = pass.split;
  const int64_t r = pass.radix, q = split.quarter;
  Complex *in[PrimeSplit::kSums], *out[PrimeSplit::kSums];
  for (int64_t sum = 0; sum < PrimeSplit::kSums; ++sum) {
    in[sum] = room + 2 * sum * split.rounded;
    out[sum] = in[sum] + split.rounded;
  }
  const Complex first = x[0];
  Complex total = first;
  for (int64_t a = 0; a < q; ++a) {
    const int64_t at = split.powers[a], later = split.powers[a + q];
    const Complex u = x[at * apart], v = x[(r - at) * apart];
    const Complex u_later = x[later * apart], v_later = x[(r - later) * apart];
    const Complex s = u + v, s_later = u_later + v_later;
    const Complex d = u - v, d_later = u_later - v_later;
    in[0][a] = s + s_later;
    in[1][a] = s - s_later;
    in[2][a] = d + d_later;
    in[3][a] = d;
    in[4][a] = d_later;
    total = total + in[0][a];
  }
  for (int64_t sum = 0; sum < PrimeSplit::kSums; ++sum) {
    Correlate(split, in[sum], split.filters[sum].data(), out[sum]);
  }
  y[0] = total;
  auto store = [&](int64_t k, const Complex& even, const Complex& odd) {
    const Complex i_odd = {-odd.im, odd.re};
    y[k * out_apart] = TurnedIf<turned>(even + i_odd, w + 2 * k);
    y[(r - k) * out_apart] = TurnedIf<turned>(even - i_odd, w + 2 * (r - k));
  };
  for (int64_t b = 0; b < q; ++b) {
    const Complex even = first + out[0][b];
    store(split.powers[b], even + out[1][b], out[2][b] + out[3][b]);
    store(split.powers[b + q], even - out[1][b], out[2][b] - out[4][b]);
  }
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANE_PRIME_H_
