// The passes of an FftPlan on lanes of complex numbers. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_FFT_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_FFT_H_

#include <cstdint>

#include "worker/engine/lanes/fft_plan.h"
#include "worker/engine/lanes/lanes.h"

namespace ondelette::engine {
namespace {

struct Complex {
  Lanes re, im;
};

inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex Turned(Complex a, const float* root) {
  return {a.re * root[0] - a.im * root[1], a.re * root[1] + a.im * root[0]};
}
inline Complex TimesMinusI(Complex a) { return {a.im, -a.re}; }

// y[q + s (r p + k)] = w^(p k) sum_j x[q + s (p + m j)] exp(-2 pi i j k / r): one pass.
inline void Radix2(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t p = 0; p < m; ++p) {
    const float* w = pass.twiddles.data() + 4 * p;
    for (int64_t q = 0; q < s; ++q) {
      const Complex a = x[q + s * p], b = x[q + s * (p + m)];
      y[q + s * 2 * p] = a + b;
      y[q + s * (2 * p + 1)] = Turned(a - b, w + 2);
    }
  }
}

// At p = 0 nothing is turned: that is the whole of the last pass.
template <bool turned>
inline Complex TurnedIf(Complex a, const float* root) {
  return turned ? Turned(a, root) : a;
}

// The transform of four numbers that lie `apart`.
inline void Four(const Complex* in, int64_t apart, Complex* out) {
  const Complex a = in[0], b = in[apart], c = in[2 * apart], d = in[3 * apart];
  const Complex ac = a + c, bd = b + d, a_c = a - c, b_d = TimesMinusI(b - d);
  out[0] = ac + bd;
  out[1] = a_c + b_d;
  out[2] = ac - bd;
  out[3] = a_c - b_d;
}

template <bool turned>
inline void Butterfly4(const Complex* in, int64_t apart, const float* w, Complex* out, int64_t s) {
  Complex four[4];
  Four(in, apart, four);
  out[0] = four[0];
#pragma GCC unroll 3
  for (int k = 1; k < 4; ++k) out[k * s] = TurnedIf<turned>(four[k], w + 2 * k);
}

// Two transforms of four, over the even and over the odd inputs, and four of two between them.
template <bool turned>
inline void Butterfly8(const Complex* in, int64_t apart, const float* w, Complex* out, int64_t s) {
  Complex even[4], odd[4];
  Four(in, 2 * apart, even);
  Four(in + apart, 2 * apart, odd);
  constexpr float kDiagonal = 0.70710678118654752f;
  odd[1] = {(odd[1].re + odd[1].im) * kDiagonal, (odd[1].im - odd[1].re) * kDiagonal};
  odd[2] = TimesMinusI(odd[2]);
  odd[3] = {(odd[3].im - odd[3].re) * kDiagonal, (odd[3].re + odd[3].im) * -kDiagonal};
  out[0] = even[0] + odd[0];
  out[4 * s] = TurnedIf<turned>(even[0] - odd[0], w + 8);
#pragma GCC unroll 3
  for (int k = 1; k < 4; ++k) {
    out[k * s] = TurnedIf<turned>(even[k] + odd[k], w + 2 * k);
    out[(k + 4) * s] = TurnedIf<turned>(even[k] - odd[k], w + 2 * (k + 4));
  }
}

inline void Radix4(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t q = 0; q < s; ++q) Butterfly4<false>(x + q, s * m, nullptr, y + q, s);
  for (int64_t p = 1; p < m; ++p) {
    const float* w = pass.twiddles.data() + 8 * p;
    for (int64_t q = 0; q < s; ++q) {
      Butterfly4<true>(x + q + s * p, s * m, w, y + q + s * 4 * p, s);
    }
  }
}

inline void Radix8(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t q = 0; q < s; ++q) Butterfly8<false>(x + q, s * m, nullptr, y + q, s);
  for (int64_t p = 1; p < m; ++p) {
    const float* w = pass.twiddles.data() + 16 * p;
    for (int64_t q = 0; q < s; ++q) {
      Butterfly8<true>(x + q + s * p, s * m, w, y + q + s * 8 * p, s);
    }
  }
}

// Outputs k0.. k0 + count - 1 of an odd radix and those opposite to them, from in[0] and the sums and
// differences of x[j] and x[r - j], which meet the same cosine and opposite sines.
template <int count>
inline void OddOutputs(const FftPlan::Pass& pass, Complex first, const Complex* pairs, int64_t k0,
                       const float* w, Complex* out) {
  const int64_t r = pass.radix, s = pass.stride, half = r / 2;
  Complex even[count], odd[count];
#pragma GCC unroll 4
  for (int k = 0; k < count; ++k) {
    even[k] = first;
    odd[k] = Complex{};
  }
  const float* root = pass.roots.data() + 2 * (k0 - 1);
  for (int64_t j = 0; j < half; ++j, root += 2 * half) {
    const Complex sum = pairs[2 * j], difference = pairs[2 * j + 1];
#pragma GCC unroll 4
    for (int k = 0; k < count; ++k) {
      even[k] = {even[k].re + sum.re * root[2 * k], even[k].im + sum.im * root[2 * k]};
      odd[k] = {odd[k].re + difference.re * root[2 * k + 1],
                odd[k].im + difference.im * root[2 * k + 1]};
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < count; ++k) {
    const Complex turned = {-odd[k].im, odd[k].re};  // i times
    const int64_t at = k0 + k;
    out[s * at] = Turned(even[k] + turned, w + 2 * at);
    out[s * (r - at)] = Turned(even[k] - turned, w + 2 * (r - at));
  }
}

// Any odd radix. `pairs` has room for radix numbers.
inline void RadixOdd(const FftPlan::Pass& pass, const Complex* x, Complex* y, Complex* pairs) {
  const int64_t r = pass.radix, s = pass.stride, m = pass.count, half = r / 2;
  for (int64_t p = 0; p < m; ++p) {
    const float* w = pass.twiddles.data() + 2 * r * p;
    for (int64_t q = 0; q < s; ++q) {
      const Complex* in = x + q + s * p;
      Complex* out = y + q + s * r * p;
      Complex sum = in[0];
      for (int64_t j = 1; j <= half; ++j) {
        const Complex a = in[s * m * j], b = in[s * m * (r - j)];
        pairs[2 * j - 2] = a + b;
        pairs[2 * j - 1] = a - b;
        sum = sum + pairs[2 * j - 2];
      }
      out[0] = sum;
      int64_t k = 1;
      for (; k + 3 <= half; k += 4) OddOutputs<4>(pass, in[0], pairs, k, w, out);
      for (; k <= half; ++k) OddOutputs<1>(pass, in[0], pairs, k, w, out);
    }
  }
}

// Transforms `data` with `scratch`, both of plan.length; the result is in whichever is returned.
// `pairs` has room for the largest radix.
inline Complex* Transform(const FftPlan& plan, Complex* data, Complex* scratch, Complex* pairs) {
  for (const FftPlan::Pass& pass : plan.passes) {
    if (pass.radix == 8) {
      Radix8(pass, data, scratch);
    } else if (pass.radix == 4) {
      Radix4(pass, data, scratch);
    } else if (pass.radix == 2) {
      Radix2(pass, data, scratch);
    } else {
      RadixOdd(pass, data, scratch, pairs);
    }
    Complex* done = scratch;
    scratch = data;
    data = done;
  }
  return data;
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANE_FFT_H_
