// Figures made from wavelet coefficients, summed over signals or rows.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_SUMS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_SUMS_H_

#include <ATen/ATen.h>

#include "common/spec/spec.h"
#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {

// The mean profile of wavelet energy: which share of a signal's energy lies in which level.
// Not thread-safe.
class EnergySums {
 public:
  // Signals whose levels are filled in.
  void Add(const SignalTile& tile);
  // [levels, heads], NaN where no signal was counted; undefined where no tile held a signal.
  at::Tensor Mean() const;

 private:
  at::Tensor sums_;    // [levels, heads]
  at::Tensor filled_;  // [heads]
};

// wavelet_energy and wavelet_entropy (equation 5). Not thread-safe.
class WaveletSums {
 public:
  explicit WaveletSums(WaveletEntropy kind) : kind_(kind) {}

  // Signals whose levels are filled in.
  void Add(const SignalTile& tile);
  void Finish(Figures& figures) const;

 private:
  WaveletEntropy kind_;
  EnergySums energy_;
  at::Tensor entropy_;  // [levels, heads]
  at::Tensor filled_;   // [heads]
};

// reconstruction_error (equation 11): transform and inverse in float32, the norms in float64. Takes
// the rows of a matrix. Not thread-safe; `wavelet` must outlive it.
class ReconstructionSums {
 public:
  explicit ReconstructionSums(const Wavelet& wavelet) : wavelet_(wavelet) {}
  void Add(const SignalTile& rows);
  void Finish(Figures& figures) const;

 private:
  const Wavelet& wavelet_;
  at::Tensor error_;   // [heads], squared norms
  at::Tensor energy_;  // [heads]
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_SUMS_H_
