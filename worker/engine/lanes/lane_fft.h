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

inline void Radix4(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t p = 0; p < m; ++p) {
    const float* w = pass.twiddles.data() + 8 * p;
    for (int64_t q = 0; q < s; ++q) {
      const Complex* in = x + q + s * p;
      const Complex a = in[0], b = in[s * m], c = in[2 * s * m], d = in[3 * s * m];
      const Complex ac = a + c, bd = b + d, a_c = a - c, b_d = TimesMinusI(b - d);
      Complex* out = y + q + s * 4 * p;
      out[0] = ac + bd;
      out[s] = Turned(a_c + b_d, w + 2);
      out[2 * s] = Turned(ac - bd, w + 4);
      out[3 * s] = Turned(a_c - b_d, w + 6);
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
    if (pass.radix == 4) {
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
