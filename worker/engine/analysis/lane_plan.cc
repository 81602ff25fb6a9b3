#include "worker/engine/analysis/lane_plan.h"

#include <algorithm>

#include "worker/engine/analysis/shortened.h"
#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/tapers.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {
namespace {

constexpr int64_t kLargestRadix = 600;

Spec WithSink(Spec spec, Sink sink) {
  spec.sink = sink;
  return spec;
}

// The sinks that the spec looks at: its own, and the dropped one among its controls.
std::vector<Sink> Sinks(const Spec& spec) {
  std::vector<Sink> sinks{spec.sink};
  const bool more = !spec.nulls.empty() && spec.signal != Signal::kRelative;
  if (more && spec.sink == Sink::kKept) sinks.push_back(Sink::kDropped);
  return sinks;
}

SpectralTable MakeSpectralTable(const Spec& spec) {
  const SignalSpectrum reference(spec, at::kCPU);
  SpectralTable table(spec.FftPoints());
  table.centred = spec.taper == Taper::kHannCentred;
  table.length = table.centred ? spec.window_tokens : spec.SignalLength();
  table.doubled = spec.one_sided == OneSided::kDoubled;
  table.first_bin = spec.dc == Dc::kDropped ? 1 : 0;
  std::copy_n(reference.band_bins().begin(), 3, table.band_bins);
  const at::Tensor weights = TaperWeights(spec.taper, table.length).to(at::kFloat).contiguous();
  table.weights.assign(weights.data_ptr<float>(), weights.data_ptr<float>() + weights.numel());
  return table;
}

}  // namespace

bool LanePlan::Serves(const Spec& spec, bool causal) {
  const bool rows = spec.signal == Signal::kRows;
  if (!rows && spec.signal != Signal::kRelative) return false;
  if (spec.taper == Taper::kNone || spec.level >= kMostLevels) return false;
  for (Sink sink : Sinks(spec)) {
    const Spec seen = WithSink(spec, sink);
    if (LargestPrimeFactor(seen.FftPoints()) > kLargestRadix) return false;
    if (rows && !spec.nulls.empty() && !RowLaneShuffle::Serves(seen.SignalLength(), causal)) {
      return false;
    }
  }
  return true;
}

LanePlan::LanePlan(const Spec& of, bool causal, bool shortened_needed)
    : spec(of), needs_shortened(shortened_needed), controlled(!of.nulls.empty()) {
  for (Sink sink : Sinks(spec)) {
    const Spec seen = WithSink(spec, sink);
    const bool dropped = sink == Sink::kDropped;
    spectra[dropped].emplace(MakeSpectralTable(seen));
    if (controlled && !relative()) {
      row_shuffles[dropped].emplace(seen.SignalLength(), dropped ? -1 : 0, causal);
    }
  }
  if (controlled && relative()) {
    window_shuffle.emplace(spec.tokens, spec.window_tokens, causal);
  }
  auto table = [this](int64_t tokens) {
    return Wavelet(SignalLength(tokens), spec.level, spec.boundary, at::kCPU).table();
  };
  wavelet = table(spec.tokens);
  for (double alpha : spec.alphas) shortened.push_back(table(ShortenedLength(alpha, spec.tokens)));
}

int64_t LanePlan::SignalLength(int64_t tokens) const {
  if (relative()) return spec.window_tokens;
  return spec.sink == Sink::kDropped ? tokens - 1 : tokens;
}

}  // namespace ondelette::engine
