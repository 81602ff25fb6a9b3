// The passes of an FftPlan on lanes of complex numbers. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_FFT_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_FFT_H_

#include <cstdint>

#include "worker/engine/lanes/lane_prime.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/transforms/butterflies.h"
#include "worker/engine/transforms/fft_plan.h"

namespace ondelette::engine {
namespace {

using Complex = ComplexOf<Lanes>;

// Numbers that lie `apart`, from x on. By reference: GCC takes lanes that are returned through memory.
struct Strided {
  const Complex* x;
  int64_t apart;
  const Complex& operator()(int64_t j) const { return x[j * apart]; }
};
struct StridedOut {
  Complex* y;
  int64_t apart;
  void operator()(int64_t k, Complex value) const { y[k * apart] = value; }
};

// Sums and differences in turn, for OddOutputs.
struct Pairs {
  const Complex* at;
  const Complex& Sum() const { return at[0]; }
  const Complex& Difference() const { return at[1]; }
  void Next() { at += 2; }
};

// y[q + s (r p + k)] = w^(p k) sum_j x[q + s (p + m j)] exp(-2 pi i j k / r): one pass. At p = 0
// nothing is turned: that is the whole of the last pass.
inline void Radix2(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t p = 0; p < m; ++p) {
    const float* w = pass.twiddles.data() + 4 * p;
    for (int64_t q = 0; q < s; ++q) {
      Butterfly2<Lanes>(Strided{x + q + s * p, s * m}, w, StridedOut{y + q + s * 2 * p, s});
    }
  }
}

inline void Radix4(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t q = 0; q < s; ++q) {
    Butterfly4<false, Lanes>(Strided{x + q, s * m}, nullptr, StridedOut{y + q, s});
  }
  for (int64_t p = 1; p < m; ++p) {
    const float* w = pass.twiddles.data() + 8 * p;
    for (int64_t q = 0; q < s; ++q) {
      Butterfly4<true, Lanes>(Strided{x + q + s * p, s * m}, w, StridedOut{y + q + s * 4 * p, s});
    }
  }
}

inline void Radix8(const FftPlan::Pass& pass, const Complex* x, Complex* y) {
  const int64_t s = pass.stride, m = pass.count;
  for (int64_t q = 0; q < s; ++q) {
    Butterfly8<false, Lanes>(Strided{x + q, s * m}, nullptr, StridedOut{y + q, s});
  }
  for (int64_t p = 1; p < m; ++p) {
    const float* w = pass.twiddles.data() + 16 * p;
    for (int64_t q = 0; q < s; ++q) {
      Butterfly8<true, Lanes>(Strided{x + q + s * p, s * m}, w, StridedOut{y + q + s * 8 * p, s});
    }
  }
}

inline void RadixPrime(const FftPlan::Pass& pass, const Complex* x, Complex* y, Complex* room) {
  const int64_t r = pass.radix, s = pass.stride, m = pass.count;
  for (int64_t q = 0; q < s; ++q) {
    TransformPrime<false>(pass, x + q, s * m, nullptr, y + q, s, room);
  }
  for (int64_t p = 1; p < m; ++p) {
    const float* w = pass.twiddles.data() + 2 * r * p;
    for (int64_t q = 0; q < s; ++q) {
      TransformPrime<true>(pass, x + q + s * p, s * m, w, y + q + s * r * p, s, room);
    }
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
      const Pairs pair{pairs};
      const auto radix = static_cast<int>(r);
      const float* roots = pass.roots.data();
      int k = 1;
      for (; k + 3 <= half; k += 4) {
        OddOutputs<4>(radix, roots, in[0], pair, k, w, StridedOut{out, s});
      }
      for (; k <= half; ++k) OddOutputs<1>(radix, roots, in[0], pair, k, w, StridedOut{out, s});
    }
  }
}

// Transforms `data` with `scratch`, both of plan.length; the result is in whichever is returned.
// `room` is for plan.room numbers.
inline Complex* Transform(const FftPlan& plan, Complex* data, Complex* scratch, Complex* room) {
  for (const FftPlan::Pass& pass : plan.passes) {
    if (pass.radix == 8) {
      Radix8(pass, data, scratch);
    } else if (pass.radix == 4) {
      Radix4(pass, data, scratch);
    } else if (pass.radix == 2) {
      Radix2(pass, data, scratch);
    } else if (pass.split.quarter > 0) {
      RadixPrime(pass, data, scratch, room);
    } else {
      RadixOdd(pass, data, scratch, room);
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
