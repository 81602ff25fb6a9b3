// Signals side by side: number t of sixteen of them is one vector, so that every step of the
// analysis is a plain loop over t, whatever the length. Included only by kernels, which are
// compiled once for each instruction set (CMakeLists.txt): everything here has internal linkage.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_LANES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_LANES_H_

#include <cstdint>
#include <cstring>

namespace ondelette::engine {
namespace {

constexpr int kLanes = 16;
typedef float Lanes __attribute__((vector_size(64)));
typedef int32_t IntLanes __attribute__((vector_size(64)));
typedef double DoubleLanes __attribute__((vector_size(128)));

inline Lanes Splat(float value) { return value - Lanes{}; }

inline Lanes Max(Lanes a, Lanes b) { return a > b ? a : b; }
inline Lanes Min(Lanes a, Lanes b) { return a < b ? a : b; }

// Natural logarithm of normal numbers > 0, to within 2 units in the last place of 1 (1.2e-7 plus
// 1.2e-7 of the result): x = 2^e m, m in [sqrt(1/2), sqrt 2), ln m by a polynomial in m - 1
// (Cephes' logf).
inline Lanes Log(Lanes x) {
  IntLanes bits = (IntLanes)x;
  IntLanes exponent = (bits - 0x3f3504f3) >> 23;
  Lanes m = (Lanes)(bits - (exponent << 23)) - 1.0f;
  Lanes e = __builtin_convertvector(exponent, Lanes);
  Lanes p = Splat(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  Lanes square = m * m;
  Lanes low = p * m * square + e * -2.12194440e-4f - 0.5f * square;
  return e * 0.693359375f + (m + low);
}

// ln p with ln 0 a large finite number, so that p ln p is 0 there (entropy.h).
inline Lanes SafeLogLanes(Lanes p) { return Log(Max(p, Splat(1e-30f))); }

inline DoubleLanes Widened(Lanes x) { return __builtin_convertvector(x, DoubleLanes); }
inline Lanes Narrowed(DoubleLanes x) { return __builtin_convertvector(x, Lanes); }

// A sum that is rounded by stretches: thousands of float32 terms lose 1e-6 of it, not 1e-5.
class LaneSum {
 public:
  void Add(Lanes value) {
    stretch_ += value;
    if (++terms_ % 16 == 0) Flush();
  }
  Lanes Total() {
    Flush();
    return total_;
  }

 private:
  void Flush() {
    total_ += stretch_;
    stretch_ = Lanes{};
  }

  Lanes total_ = {}, stretch_ = {};
  int64_t terms_ = 0;
};

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_LANES_H_
