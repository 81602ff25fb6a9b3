#include "worker/engine/analysis/lane_plan.h"

#include <algorithm>

#include "worker/engine/analysis/shortened.h"
#include "worker/engine/analysis/spectral_table.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {
bool LanePlan::Serves(const Spec& spec, bool causal) {
  if (!KernelsServe(spec)) return false;
  if (spec.signal != Signal::kRows || spec.nulls.empty()) return true;
  const std::vector<Sink> sinks = SinksOf(spec);
  return std::all_of(sinks.begin(), sinks.end(), [&spec, causal](Sink sink) {
    return RowLaneShuffle::Serves(WithSink(spec, sink).SignalLength(), causal);
  });
}

LanePlan::LanePlan(const Spec& of, bool causal, bool shortened_needed)
    : spec(of), needs_shortened(shortened_needed), controlled(!of.nulls.empty()) {
  for (Sink sink : SinksOf(spec)) {
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
