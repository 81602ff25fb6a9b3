// What every analyzer of one spec shares on one device: tapers, transforms, wavelets, permutations.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/analysis/key_shuffle.h"
#include "worker/engine/analysis/lane_plan.h"
#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/team_plan.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {

// Lanes are the CPU's kernels, teams a GPU's. Tensors serve every spec, length and device; teams can be
// asked for on a CPU, where they are slow, and show there what a GPU would compute.
enum class Method { kFastest, kTeams, kTensors };

// Immutable, shared, thread-safe. The engine's other parts need Create, spec, device, causal and
// needs_shortened; the rest serves the analyzer.
class AnalysisPlan {
 public:
  // `causal`: attention is zero above the diagonal. It decides in which keys a row is shuffled
  // (those up to the query, or all). `prefix_exact`: A[:m, :m] is the attention of the first m
  // tokens alone, and is read off there.
  // `method`: how, where a slower way than the fastest is wanted.
  // INVALID_ARGUMENT where the spec is not valid, FAILED_PRECONDITION where the device is a GPU and
  // this build has no CUDA, RESOURCE_EXHAUSTED where the tables cannot be made (LibTorch's
  // message).
  static absl::StatusOr<std::shared_ptr<const AnalysisPlan>> Create(
      const Spec& spec, at::Device device, bool causal = true, bool prefix_exact = true,
      Method method = Method::kFastest);
  AnalysisPlan(const AnalysisPlan&) = delete;
  AnalysisPlan& operator=(const AnalysisPlan&) = delete;

  const Spec& spec() const { return spec_; }
  at::Device device() const { return device_; }
  bool causal() const { return causal_; }
  // Whether scale figures need forward passes of the shortened sequences (LayerAnalyzer's
  // AddShortened); false where their attention is part of the whole sequence's.
  bool needs_shortened() const { return needs_shortened_; }

  bool relative() const { return spec_.signal == Signal::kRelative; }
  // Tokens of the shortened sequence.
  int64_t shortened_tokens(size_t alpha_index) const;
  // Rows of the matrix that the spec looks at, out of `tokens` queries: all, or without query 0.
  int64_t rows(int64_t tokens) const { return spec_.sink == Sink::kDropped ? tokens - 1 : tokens; }
  // How many signals a head has under this spec.
  int64_t signals() const;

  // Where the CPU's kernels serve; nullptr: attention comes in tiles.
  const LanePlan* lanes() const { return lanes_ ? &*lanes_ : nullptr; }
  // Where those of teams do; nullptr: tiles are analysed with tensors.
  const TeamPlan* teams() const { return teams_ ? &*teams_ : nullptr; }
  // Whether windows are all that is looked at: they are cut from scores, and the attention itself need
  // not be written anywhere.
  bool takes_scores() const { return teams_.has_value() && relative(); }

  // What follows is there for tiles only.

  // The head itself and its controls, in the order of the record's columns.
  struct Variant {
    std::string suffix;  // "" for the head itself
    Sink sink = Sink::kKept;
    bool shuffled = false;
  };
  const std::vector<Variant>& variants() const { return variants_; }
  // Of the head's signals, or of a variant's.
  const SignalSpectrum& spectrum(Sink sink) const;
  // Of the rows of the whole matrix, or of its windows.
  const Wavelet& wavelet() const { return *wavelet_; }
  const Wavelet& shortened_wavelet(size_t alpha_index) const;
  // Only where some variant is shuffled; rows or windows as the signal says.
  const RowShuffle& row_shuffle(Sink sink) const;
  const WindowShuffle& window_shuffle() const { return *window_shuffle_; }

 private:
  AnalysisPlan(const Spec& spec, at::Device device, bool causal, bool prefix_exact, Method method);
  void MakeVariants();
  void MakeWavelets();

  Spec spec_;
  at::Device device_;
  bool causal_;
  bool needs_shortened_;
  std::optional<LanePlan> lanes_;
  std::vector<Variant> variants_;
  // By sink: kept, dropped; only those that some variant needs.
  std::optional<SignalSpectrum> spectra_[2];
  std::optional<RowShuffle> row_shuffles_[2];
  std::optional<WindowShuffle> window_shuffle_;
  std::optional<Wavelet> wavelet_;
  std::vector<Wavelet> shortened_wavelets_;  // rows only: windows are as long in every sequence
  std::optional<TeamPlan> teams_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_
