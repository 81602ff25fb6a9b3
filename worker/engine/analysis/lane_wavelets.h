// Wavelet coefficients and their figures straight from float32 attention, on the CPU: what Wavelet
// and the sums of wavelet_sums.h do step by step, in one go for sixteen signals (lanes/).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_WAVELETS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_WAVELETS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "worker/engine/analysis/lanes/wavelet_kernel.h"

namespace ondelette::engine {

// Sums over the signals of each head that are not empty, float64. Of matrices, the error and the
// energy are of all rows.
struct WaveletTotals {
  at::Tensor energy_share;          // [levels, heads]
  at::Tensor entropy;               // [levels, heads]
  at::Tensor filled;                // [heads]
  at::Tensor error, matrix_energy;  // [heads]
};

struct LaneTransform {
  std::vector<at::Tensor> levels;  // [heads, signals, coefficients] float32: cA_L, cD_L, ..., cD_1
  at::Tensor filled;               // [heads, signals] bool
  WaveletTotals totals;            // where they were asked for
};

// `sources` holds heads x signals entries, head by head.
LaneTransform TransformLanes(const WaveletTable& table, const std::vector<SignalSource>& sources,
                             int64_t heads, bool with_totals);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_WAVELETS_H_
