// How a discrete Fourier transform of any length is cut into passes.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_FFT_PLAN_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_FFT_PLAN_H_

#include <cstdint>
#include <vector>

#include "worker/engine/transforms/prime_split.h"

namespace ondelette::engine {

// Stockham's self-sorting transform, decimation in frequency: pass by pass the length is divided
// by a radix, 8, 4, 2 or an odd prime. An odd radix is summed directly, which costs radix
// multiplications a number, or cut by a PrimeSplit, which costs five eighths of that.
// Immutable, thread-safe.
struct FftPlan {
  struct Pass {
    int64_t radix;
    int64_t count;   // transforms of `radix` numbers: what is left of the length
    int64_t stride;  // product of the radices before
    // exp(-2 pi i p k / (radix count)), p < count, k < radix: real and imaginary part in turn.
    std::vector<float> twiddles;
    // For odd radices, which are summed directly: exp(-2 pi i j k / radix), 1 <= j, k <= radix / 2,
    // row by row (j): real and imaginary part in turn.
    std::vector<float> roots;
    PrimeSplit split;  // for those for which it pays
  };

  explicit FftPlan(int64_t length);

  int64_t length;
  std::vector<Pass> passes;
  int64_t room = 0;  // numbers that a pass needs beside those it reads and writes, at most
};

// The largest prime in a length, at least 1.
int64_t LargestPrimeFactor(int64_t length);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_FFT_PLAN_H_
