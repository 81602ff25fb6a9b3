// What the teams' kernels (worker/engine/teams) need to know of a spec: tables on the device, made
// once.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_PLAN_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_PLAN_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/wavelet.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// Immutable, thread-safe.
class TeamPlan {
 public:
  // Whether the kernels take the spec: as KernelsServe has it, of signals that fit the memory
  // that a team shares on the device. Longer ones are transformed by cuFFT (spectrum.h).
  static bool Serves(const Spec& spec, at::Device device);

  // `wavelet` of the spec's signals; `shortened` of the rows of shortened sequences, by alpha.
  TeamPlan(const Spec& spec, at::Device device, bool causal, const Wavelet& wavelet,
           const std::vector<Wavelet>& shortened);

  // Everything but the tile's attention, the shuffles and the results.
  const SpectraArguments& spectra() const { return spectra_; }
  const WaveletArguments& wavelets() const { return wavelets_; }
  // Of a shortened sequence: its attention's first rows.
  const WaveletArguments& shortened(size_t alpha) const { return shortened_[alpha]; }

 private:
  TeamSpectrum MakeSpectrum(const Spec& spec, at::Device device);

  std::vector<at::Tensor> held_;  // what the arguments point to
  SpectraArguments spectra_;
  WaveletArguments wavelets_;
  std::vector<WaveletArguments> shortened_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_PLAN_H_
