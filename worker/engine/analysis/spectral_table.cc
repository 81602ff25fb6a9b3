#include "worker/engine/analysis/spectral_table.h"

#include <algorithm>

#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/tapers.h"
#include "worker/engine/transforms/wavelet_table.h"

namespace ondelette::engine {
namespace {

constexpr int64_t kLargestRadix = 600;

}  // namespace

std::vector<Sink> SinksOf(const Spec& spec) {
  std::vector<Sink> sinks{spec.sink};
  const bool more = !spec.nulls.empty() && spec.signal != Signal::kRelative;
  if (more && spec.sink == Sink::kKept) sinks.push_back(Sink::kDropped);
  return sinks;
}

Spec WithSink(Spec spec, Sink sink) {
  spec.sink = sink;
  return spec;
}

bool KernelsServe(const Spec& spec) {
  if (spec.signal != Signal::kRows && spec.signal != Signal::kRelative) return false;
  if (spec.taper == Taper::kNone || spec.level >= kMostLevels) return false;
  const std::vector<Sink> sinks = SinksOf(spec);
  return std::all_of(sinks.begin(), sinks.end(), [&spec](Sink sink) {
    return LargestPrimeFactor(WithSink(spec, sink).FftPoints()) <= kLargestRadix;
  });
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

}  // namespace ondelette::engine
