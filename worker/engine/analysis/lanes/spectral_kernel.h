// The spectral figures of sixteen signals and their shuffled twins at once, on the CPU: from
// attention to entropies without anything in between being written to memory that is not in cache.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_SPECTRAL_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_SPECTRAL_KERNEL_H_

#include <cstdint>
#include <vector>

#include "worker/engine/analysis/lanes/fft_plan.h"

namespace ondelette::engine {

// Signals of a block, one a lane.
inline constexpr int64_t kBlockSignals = 16;

// Where one signal lies, x[t] = first[t * stride], and its twin, the same attention with its keys
// permuted: y[t] = row[keys[t]], where keys is not nullptr. One complex transform serves both, for
// they are alike in size: rounding in the one is rounding in the other.
struct SignalSource {
  const float* first;
  int64_t stride;
  const float* row;
  const int32_t* keys;
};

// What all signals of one spec have in common (SignalSpectrum says what the fields mean).
struct SpectralTable {
  explicit SpectralTable(int64_t points) : plan(points) {}

  FftPlan plan;
  int64_t length = 0;         // of a signal
  bool renormalised = false;  // signals are divided by their sum; empty ones become zeros
  bool detrended = false;
  bool centred = false;        // the even extension, around the circle
  std::vector<float> weights;  // the taper's, or empty
  bool doubled = false;
  int64_t first_bin = 0;
  int64_t band_bins[3] = {};
};

// One array a figure, a number a signal.
struct SpectralFigures {
  enum Figure {
    kEntropy,
    kSelectivity,
    kBandLow,
    kPeak,
    kFlatness,
    kBandMid,
    kBandHigh,
    kPositionalEntropy,
    kCounted,  // 1: neither flat nor empty
    kFilled,   // 1: not empty
    kFigures,
  };
  alignas(64) float values[kFigures][kBlockSignals];
};

// Numbers of scratch memory, aligned to 64 bytes, that a block needs.
int64_t SpectralScratch(const SpectralTable& table);

// The figures of `count` signals, 1 to kBlockSignals, and, if all have one, of their twins.
// Float32: figures differ from float64's by a few 1e-6 of their size. Thread-safe with a scratch of
// its own. Uses AVX-512 or AVX2 where the processor has them.
void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_SPECTRAL_KERNEL_H_
