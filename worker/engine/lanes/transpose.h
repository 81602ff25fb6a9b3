// Sixteen vectors of sixteen numbers, the other way round. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_TRANSPOSE_H_
#define ONDELETTE_WORKER_ENGINE_LANES_TRANSPOSE_H_

#include "worker/engine/lanes/lanes.h"

namespace ondelette::engine {
namespace {

// Swaps, in every pair of rows `step` apart, the off-diagonal blocks of `step` numbers.
template <int step>
inline void SwapBlocks(Lanes* m) {
  IntLanes upper, lower;
  for (int lane = 0; lane < kLanes; ++lane) {
    upper[lane] = (lane & step) == 0 ? lane : kLanes + lane - step;
    lower[lane] = (lane & step) == 0 ? lane + step : kLanes + lane;
  }
#pragma GCC unroll 16
  for (int row = 0; row < kLanes; ++row) {
    if ((row & step) != 0) continue;
    const Lanes a = m[row], b = m[row + step];
    m[row] = __builtin_shuffle(a, b, upper);
    m[row + step] = __builtin_shuffle(a, b, lower);
  }
}

inline void Transpose(Lanes* m) {
  SwapBlocks<1>(m);
  SwapBlocks<2>(m);
  SwapBlocks<4>(m);
  SwapBlocks<8>(m);
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_TRANSPOSE_H_
