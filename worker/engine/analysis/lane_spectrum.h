// Spectral figures straight from float32 attention, on the CPU: what SignalSpectrum and
// SpectralSums do in float64 and step by step, in one go for sixteen signals (lanes/).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SPECTRUM_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SPECTRUM_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {

// Signals of one length under one spec. Immutable, thread-safe.
class LaneSpectrum {
 public:
  // Whether it takes the spec's signals: rows or windows on the CPU, tapered (without a taper a
  // single bin can hold all power but what float32 rounds away), of a length whose primes are not
  // too large to be summed directly.
  static bool Serves(const Spec& spec, at::Device device);

  explicit LaneSpectrum(const Spec& spec);

  // Sums over the signals of each head, in their order: float64 [SpectralFigures::kFigures, heads].
  // Figures that are not defined for a signal are left out. `twins` is undefined where the sources
  // have none.
  struct HeadSums {
    at::Tensor signals, twins;
  };
  // `sources` holds heads x signals entries, head by head; all have keys, or none.
  HeadSums Sums(const std::vector<SignalSource>& sources, int64_t heads) const;

 private:
  SpectralTable table_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SPECTRUM_H_
