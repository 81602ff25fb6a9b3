// From a block of attention to signals, and what is known of them before any transform.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_SIGNAL_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_LANES_SIGNAL_KERNEL_H_

#include <cstdint>

#include "worker/engine/lanes/lane_block.h"

namespace ondelette::engine {

// Sums over a signal's numbers x, a number a lane.
struct SignalMeasures {
  float mass[kLaneCount];      // x
  float energy[kLaneCount];    // x^2
  float log_mass[kLaneCount];  // x ln x, 0 ln 0 = 0
};

namespace lane_kernels {

// Measures numbers [count][kLaneCount].
using MeasureSignals = void(const float* x, int64_t count, SignalMeasures& measures);
// Their mass only.
using SumSignals = void(const float* x, int64_t count, float* mass);

// The mass of each query's row less than `width` keys away from it.
using LocalMass = void(const LaneBlock& block, int64_t width, float* mass);

// Windows x[d] = A[i, i - d], d < window, [window][kLaneCount]; 0 where i < d.
using CutWindows = void(const LaneBlock& block, int64_t window, float* x);

// out[t] = x[keys[t]] in every lane, t < count; keys and out are [count][kLaneCount].
using GatherRows = void(const float* x, const uint16_t* keys, int64_t count, float* out);
using GatherWindows = void(const float* x, const int32_t* keys, int64_t count, float* out);

// sums[t] += x[t] . weights over the lanes, t < count; lanes of weight 0 may hold anything.
using AddReceived = void(const float* x, int64_t count, const float* weights, double* sums);

}  // namespace lane_kernels
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_SIGNAL_KERNEL_H_
