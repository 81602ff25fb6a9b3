// What the lane kernels need to know of a spec, on the CPU: tables, made once.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_PLAN_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_PLAN_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/lane_shuffle.h"
#include "worker/engine/lanes/spectral_kernel.h"
#include "worker/engine/lanes/wavelet_kernel.h"

namespace ondelette::engine {

// Immutable, thread-safe.
struct LanePlan {
  // Whether the kernels take the spec (spectral_table.h), with permutations that can be held.
  static bool Serves(const Spec& spec, bool causal);

  // `needs_shortened` as AnalysisPlan has it.
  LanePlan(const Spec& spec, bool causal, bool needs_shortened);

  const SpectralTable& spectrum(Sink sink) const { return *spectra[sink == Sink::kDropped]; }
  bool relative() const { return spec.signal == Signal::kRelative; }
  // Of the rows of a matrix of `tokens` tokens, or of a window.
  int64_t SignalLength(int64_t tokens) const;

  Spec spec;
  bool needs_shortened;
  bool controlled;  // every signal has a shuffled twin; rows are also seen without their sink
  // By sink: kept, dropped; only those that are looked at.
  std::optional<SpectralTable> spectra[2];
  std::optional<RowLaneShuffle> row_shuffles[2];
  std::optional<WindowLaneShuffle> window_shuffle;
  WaveletTable wavelet;
  std::vector<WaveletTable> shortened;  // by alpha
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_PLAN_H_
