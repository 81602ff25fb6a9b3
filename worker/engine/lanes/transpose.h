// Sixteen vectors of sixteen numbers, the other way round. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_TRANSPOSE_H_
#define ONDELETTE_WORKER_ENGINE_LANES_TRANSPOSE_H_

#include "worker/engine/lanes/lanes.h"

namespace ondelette::engine {
namespace {

// Swaps, in every pair of rows `step` apart, the off-diagonal blocks of `step` numbers.
template <int step>
inline void SwapRows(Lanes& a, Lanes& b) {
  if constexpr (step >= kWidth) {  // whole parts
    constexpr int apart = step / kWidth;
    for (int i = 0; i < kParts; ++i) {
      if ((i & apart) != 0) continue;
      const Lanes::Part kept = a.part[i + apart];
      a.part[i + apart] = b.part[i];
      b.part[i] = kept;
    }
  } else {
    IntLanes::Part upper, lower;
    for (int lane = 0; lane < kWidth; ++lane) {
      upper[lane] = (lane & step) == 0 ? lane : kWidth + lane - step;
      lower[lane] = (lane & step) == 0 ? lane + step : kWidth + lane;
    }
    for (int i = 0; i < kParts; ++i) {
      const Lanes::Part x = a.part[i], y = b.part[i];
      a.part[i] = __builtin_shuffle(x, y, upper);
      b.part[i] = __builtin_shuffle(x, y, lower);
    }
  }
}

template <int step>
inline void SwapBlocks(Lanes* m) {
#pragma GCC unroll 16
  for (int row = 0; row < kLanes; ++row) {
    if ((row & step) == 0) SwapRows<step>(m[row], m[row + step]);
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
