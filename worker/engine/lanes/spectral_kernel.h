// The spectral figures of sixteen signals and of sixteen others at once, on the CPU: from signals to
// entropies without anything in between being written to memory that is not in cache.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_SPECTRAL_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_LANES_SPECTRAL_KERNEL_H_

#include <cstdint>
#include <vector>

#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/transforms/fft_plan.h"

namespace ondelette::engine {

// What all signals of one spec have in common (analysis/signal_spectrum.h says what the fields
// mean).
struct SpectralTable {
  explicit SpectralTable(int64_t points) : plan(points) {}

  FftPlan plan;
  int64_t length = 0;          // of a signal
  std::vector<float> weights;  // the taper's
  bool centred = false;        // the even extension, around the circle
  bool doubled = false;
  int64_t first_bin = 0;
  int64_t band_bins[3] = {};
};

// A block of signals: (x[t] scale - mean), t < table.length, a lane each.
struct SpectralInput {
  const float* x;  // [seen][kLaneCount]
  int64_t seen;    // from here on to the table's length x is zero in every lane, and not read
  float scale[kLaneCount];
  float mean[kLaneCount];
  float energy[kLaneCount];  // of x[t] scale: what is flat is measured by it
  float filled[kLaneCount];  // 0: the lane is not counted
};

// Sums over signals that are filled and not flat, a number a lane; `counted` says how many.
struct SpectralTotals {
  enum Figure {
    kEntropy,
    kSelectivity,
    kBandLow,
    kPeak,
    kFlatness,
    kBandMid,
    kBandHigh,
    kCounted,
    kFigures,
  };
  double values[kFigures][kLaneCount] = {};
};

// Numbers of scratch memory, aligned to 64 bytes, that a block needs.
int64_t SpectralScratch(const SpectralTable& table);

namespace lane_kernels {

// Adds the figures of the signals to `totals` and, unless `others` is nullptr, those of other
// signals, which see as many numbers, to `other_totals`: one complex transform serves both, so they should be alike in size,
// for rounding in the one is rounding in the other. Float32: figures differ from float64's by a few
// 1e-6 of their size. Thread-safe with a scratch of its own.
using AddSpectra = void(const SpectralTable& table, const SpectralInput& signals,
                        const SpectralInput* others, float* scratch, SpectralTotals& totals,
                        SpectralTotals* other_totals);

}  // namespace lane_kernels
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_SPECTRAL_KERNEL_H_
