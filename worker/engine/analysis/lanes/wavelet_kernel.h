// The wavelet transform of sixteen signals at once, on the CPU, and the figures made from it
// (wavelet.h has the equations).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_WAVELET_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_WAVELET_KERNEL_H_

#include <cstdint>
#include <vector>

#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {

// What all signals of one length under one spec have in common.
struct WaveletTable {
  // From `length` samples to `half` coefficients of each kind. The samples go on to the left and
  // to the right with copies of those named, or with zeros.
  struct Step {
    int64_t length;
    int64_t half;
    std::vector<int64_t> left, right;
  };

  int64_t length = 0;
  std::vector<Step> steps;   // finest first
  int64_t coefficients = 0;  // of all levels
  bool periodic = false;
  bool zeros = false;         // beyond the ends
  bool within_scale = false;  // entropies of c^2 / (sum c^2 + 1e-10), else of c^2
  bool renormalised = false;  // signals are divided by their sum; empty ones become zeros
  bool detrended = false;     // their mean is subtracted
};

// More levels than this are not asked for anywhere (spec.h).
inline constexpr int64_t kMostLevels = 32;

// What is wanted of a block; nullptr: not that.
struct WaveletOutputs {
  // Level 0 is cA_L, then cD_L, ..., cD_1; a number a signal.
  struct Figures {
    alignas(64) float energy_share[kMostLevels][kBlockSignals];
    alignas(64) float entropy[kMostLevels][kBlockSignals];
  };
  Figures* figures;
  // Squared norms of a signal and of what is left of it after the transform and its inverse.
  struct Reconstruction {
    alignas(64) float energy[kBlockSignals];
    alignas(64) float error[kBlockSignals];
  };
  Reconstruction* reconstruction;
  // By level and signal, where its coefficients go, and how many of them.
  struct Target {
    float* begin;
    int64_t count;
  };
  const Target (*targets)[kBlockSignals];
  alignas(64) float filled[kBlockSignals];  // out: 1 where the signal is not empty
};

// Lanes of one kind that a block needs: the signal, a step's continued samples, an approximation, and
// every coefficient.
static inline int64_t WaveletLanes(const WaveletTable& table) {
  return 3 * (table.length + 8) + table.coefficients;
}

// Numbers of scratch memory, aligned to 64 bytes, that a block needs.
int64_t WaveletScratch(const WaveletTable& table);

// `count` signals, 1 to kBlockSignals; keys of sources are not looked at. The transform is
// float64 (but the one that is inverted), logarithms are float32. Thread-safe with a scratch of its own.
void WaveletBlock(const WaveletTable& table, const SignalSource* sources, int64_t count,
                  float* scratch, WaveletOutputs& outputs);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_WAVELET_KERNEL_H_
