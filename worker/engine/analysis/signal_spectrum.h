// From signals to P, the power in each kept bin: detrend, taper, pad, transform, fold.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SPECTRUM_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SPECTRUM_H_

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <memory>

#include "common/spec/spec.h"
#include "worker/engine/analysis/spectrum.h"

namespace ondelette::engine {

// Everything for signals of one length under one spec. Immutable, thread-safe.
class SignalSpectrum {
 public:
  // The spec's own signals: SignalLength() and FftPoints() of it count.
  SignalSpectrum(const Spec& spec, at::Device device);

  // [heads, signals, length] float64 -> [heads, signals, bins()] float64: |DFT|^2, every bin but DC
  // and Nyquist doubled if the spec says so, without DC if it says so.
  at::Tensor Power(const at::Tensor& signals) const;

  int64_t bins() const { return bins_; }
  // Bins of the low, middle and high band, which follow each other: f <= .25, f <= .75, the rest,
  // in units of Nyquist (or where the spec's band_edges lie).
  const std::array<int64_t, 3>& band_bins() const { return band_bins_; }

 private:
  at::Tensor Padded(const at::Tensor& signals) const;

  bool centred_;
  bool detrended_;
  bool doubled_;
  int64_t points_;
  int64_t first_bin_;
  int64_t bins_;
  std::array<int64_t, 3> band_bins_;
  at::Tensor weights_;  // the taper's; undefined if there is none
  std::unique_ptr<Spectrum> transform_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SPECTRUM_H_
