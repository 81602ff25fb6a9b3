// The figures made from a signal's spectrum, and its positional entropy, summed over signals.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_SUMS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_SUMS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/signals.h"

namespace ondelette::engine {

// Not thread-safe. `spectrum` must outlive it.
class SpectralSums {
 public:
  enum class Scope { kAll, kControlled };  // every figure, or only those of kControlledMetrics

  SpectralSums(const SignalSpectrum& spectrum, Scope scope) : spectrum_(spectrum), scope_(scope) {}

  void Add(const SignalTile& tile);

  // Means over the counted signals under the figures' names + `suffix`; with kAll also `coverage`,
  // out of `total` signals.
  void Finish(const std::string& suffix, int64_t total, Figures& figures) const;

 private:
  const SignalSpectrum& spectrum_;
  Scope scope_;
  at::Tensor sums_;        // [figures, heads]
  at::Tensor counted_;     // [heads], signals neither flat nor empty
  at::Tensor positional_;  // [heads]
  at::Tensor filled_;      // [heads], signals not empty
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_SUMS_H_
