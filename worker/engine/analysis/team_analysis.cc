#include "worker/engine/analysis/team_analysis.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/masses.h"
#include "worker/engine/analysis/team_signals.h"
#include "worker/engine/analysis/window_entropy.h"

namespace ondelette::engine {
namespace {

// Where a member at this offset stands among a struct's floats.
constexpr int64_t Place(size_t offset) { return static_cast<int64_t>(offset / sizeof(float)); }

// Sums over the rows, in float64.
void AddRows(const at::Tensor& figures, at::Tensor& sums) {
  AddTo(sums, figures.sum(1, /*keepdim=*/false, at::kDouble));
}

WaveletArguments OfCutWindows(WaveletArguments rules) {
  rules.tile.cut = true;
  return rules;
}

}  // namespace

TeamAnalysis::TeamAnalysis(const AnalysisPlan& plan, int64_t heads)
    : plan_(plan), order_(plan, heads), shortened_(plan.spec().alphas.size()) {
  if (plan.spec().scale_compare != ScaleCompare::kProfileDistance) {
    scale_ = MakeScaleComparison(plan, heads);
  }
}

void TeamAnalysis::Add(int64_t first_query, const at::Tensor& attention) {
  order_.Add(first_query, attention);
  AddRows(RowFiguresOf(plan_, first_query, attention), rows_);
  if (!plan_.relative()) AddReceived(first_query, attention);
  AddWhole(plan_.teams()->wavelets(), first_query, attention);
  for (size_t alpha = 0; !plan_.needs_shortened() && alpha < shortened_.size(); ++alpha) {
    at::Tensor prefix = PrefixOf(attention, first_query, plan_.shortened_tokens(alpha));
    if (prefix.defined()) {
      AddShortenedSignals(alpha, plan_.teams()->shortened(alpha), first_query, prefix);
    }
  }
}

void TeamAnalysis::AddReceived(int64_t first_query, const at::Tensor& attention) {
  const int64_t tokens = plan_.spec().tokens;
  if (plan_.spec().sink == Sink::kKept) {
    received_.AddFilled(attention, tokens);
  } else {
    received_.Add(PrepareRows(first_query, OverAllKeys(attention, tokens), Sink::kDropped));
  }
}

std::optional<SignalTile> TeamAnalysis::Transformed(const WaveletArguments& rules,
                                                    int64_t first_query,
                                                    const at::Tensor& attention,
                                                    at::Tensor& sums) const {
  const ScaleCompare compare = plan_.spec().scale_compare;
  TransformedSignals own =
      TransformTile(rules, first_query, attention, compare == ScaleCompare::kConcatTruncate);
  if (own.signals.count() == 0) return std::nullopt;
  AddRows(own.figures, sums);
  if (compare == ScaleCompare::kLevelCosine) {
    WaveletArguments detrended = rules;
    detrended.detrended = true;
    detrended.reconstructed = false;
    own.signals.detrended_levels =
        TransformTile(detrended, first_query, attention, /*kept=*/true).signals.levels;
  }
  return std::move(own.signals);
}

void TeamAnalysis::AddWhole(const WaveletArguments& rules, int64_t first_query,
                            const at::Tensor& attention) {
  std::optional<SignalTile> signals = Transformed(rules, first_query, attention, wavelets_);
  if (signals && scale_ != nullptr) scale_->AddWhole(*signals);
}

void TeamAnalysis::AddShortenedSignals(size_t alpha, const WaveletArguments& rules,
                                       int64_t first_query, const at::Tensor& attention) {
  std::optional<SignalTile> signals = Transformed(rules, first_query, attention, shortened_[alpha]);
  if (signals && scale_ != nullptr) scale_->AddShortened(alpha, *signals);
}

void TeamAnalysis::AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention) {
  order_.AddShortened(alpha, first_query, attention);
  AddTo(shortened_non_finite_, CountNonFiniteRows(attention));
  AddShortenedSignals(alpha, plan_.teams()->shortened(alpha), first_query, attention);
}

// The first windows of the whole sequence are those of its prefix.
void TeamAnalysis::Add(const SoftmaxArguments& rows) {
  order_.Add(rows);
  const CutWindows cut = CutScores(plan_, rows, /*twins=*/true);
  AddRows(RowFiguresOf(plan_, cut), rows_);
  AddMasses(cut.masses);
  AddWhole(OfCutWindows(plan_.teams()->wavelets()), cut.first_query, cut.windows);
  for (size_t alpha = 0; !plan_.needs_shortened() && alpha < shortened_.size(); ++alpha) {
    const int64_t signals = plan_.shortened_tokens(alpha) - cut.first_query;
    if (signals <= 0) continue;
    AddShortenedSignals(alpha, OfCutWindows(plan_.teams()->shortened(alpha)), cut.first_query,
                        cut.windows.narrow(1, 0, std::min(signals, cut.windows.size(1))));
  }
}

// WindowMasses [heads, queries, 3] stand side by side in RowFigures as well.
void TeamAnalysis::AddMasses(const at::Tensor& masses) {
  constexpr size_t kFirst = offsetof(RowFigures, non_finite);
  static_assert(offsetof(RowFigures, sink_mass) - kFirst == offsetof(WindowMasses, sink_mass) &&
                offsetof(RowFigures, local_mass) - kFirst == offsetof(WindowMasses, local_mass));
  rows_.narrow(1, Place(kFirst), masses.size(2)).add_(masses.sum(1, false, at::kDouble));
}

void TeamAnalysis::AddShortened(size_t alpha, const SoftmaxArguments& rows) {
  order_.AddShortened(alpha, rows);
  const CutWindows cut = CutScores(plan_, rows, /*twins=*/false);
  const int64_t non_finite = Place(offsetof(WindowMasses, non_finite));
  AddTo(shortened_non_finite_, cut.masses.select(2, non_finite).sum(1, false, at::kDouble));
  AddShortenedSignals(alpha, OfCutWindows(plan_.teams()->shortened(alpha)), cut.first_query,
                      cut.windows);
}

void TeamAnalysis::FinishSpectra(Figures& figures) const {
  constexpr std::pair<const char*, size_t> kMeans[] = {
      {"spectral_entropy", offsetof(SpectralFigures, entropy)},
      {"frequency_selectivity", offsetof(SpectralFigures, selectivity)},
      {"band_low", offsetof(SpectralFigures, band_low)},
      {"peak_share", offsetof(SpectralFigures, peak)},
      {"spectral_flatness", offsetof(SpectralFigures, flatness)},
      {"band_mid", offsetof(SpectralFigures, band_mid)},
      {"band_high", offsetof(SpectralFigures, band_high)}};
  for (const AnalysisPlan::Variant& variant : plan_.variants()) {
    const size_t sink = variant.sink == Sink::kDropped ? 1 : 0, twin = variant.shuffled ? 1 : 0;
    auto sum = [&, begin = Place((2 * sink + twin) * sizeof(SpectralFigures))](size_t member) {
      return rows_.select(1, begin + Place(member));
    };
    const at::Tensor counted = sum(offsetof(SpectralFigures, counted));
    for (const auto& [name, member] : kMeans) {
      figures[name + variant.suffix] = sum(member) / counted;
    }
    figures["positional_entropy" + variant.suffix] =
        sum(offsetof(SpectralFigures, positional)) / sum(offsetof(SpectralFigures, filled));
    if (!variant.suffix.empty()) continue;
    const auto bins = static_cast<double>(plan_.spectrum(variant.sink).bins());
    figures["spectral_entropy_normalised"] = figures["spectral_entropy"] / std::log(bins);
    figures[kCoverage] = counted / static_cast<double>(plan_.signals());
  }
}

void TeamAnalysis::FinishWavelets(Figures& figures) const {
  const int64_t levels = plan_.spec().level + 1;
  const at::Tensor filled = wavelets_.narrow(1, 0, 1);
  figures["wavelet_energy"] = wavelets_.narrow(1, 3, levels) / filled;
  figures["wavelet_entropy"] = wavelets_.narrow(1, 3 + levels, levels) / filled;
  if (!plan_.relative()) {
    figures["reconstruction_error"] = (wavelets_.select(1, 2) / wavelets_.select(1, 1)).sqrt();
  }
}

// Of profile-distance: half the L1 distance between the two mean profiles.
at::Tensor TeamAnalysis::ProfileDistance(size_t alpha) const {
  const int64_t levels = plan_.spec().level + 1;
  auto mean = [levels](const at::Tensor& sums) {
    return sums.narrow(1, 3, levels) / sums.narrow(1, 0, 1);
  };
  if (!shortened_[alpha].defined()) return at::full_like(wavelets_.select(1, 0), kUndefined);
  return (mean(wavelets_) - mean(shortened_[alpha])).abs_().sum(1).mul_(0.5);
}

void TeamAnalysis::FinishScale(Figures& figures) const {
  const Spec& spec = plan_.spec();
  const char* name = plan_.relative() ? "scale_distance_" : "scale_sensitivity_";
  const std::vector<at::Tensor> compared =
      scale_ != nullptr ? scale_->Finish() : std::vector<at::Tensor>();
  for (size_t alpha = 0; alpha < spec.alphas.size(); ++alpha) {
    figures[absl::StrCat(name, NumberInName(spec.alphas[alpha]))] =
        scale_ != nullptr ? compared[alpha] : ProfileDistance(alpha);
  }
}

at::Tensor TeamAnalysis::Finish() {
  order_.CheckComplete();
  const Spec& spec = plan_.spec();
  Figures figures;
  FinishSpectra(figures);
  FinishWavelets(figures);
  FinishScale(figures);
  auto sum = [this](size_t member) { return rows_.select(1, Place(member)); };
  const auto queries = static_cast<double>(spec.tokens);
  figures["sink_mass"] = sum(offsetof(RowFigures, sink_mass)) / (queries - 1);
  figures["local_mass_16"] = sum(offsetof(RowFigures, local_mass)) / queries;
  if (plan_.relative()) {
    figures["window_mass"] =
        sum(offsetof(RowFigures, window_mass)) / static_cast<double>(plan_.signals());
    figures["positional_entropy_normalised"] =
        figures["positional_entropy"] / std::log(static_cast<double>(spec.window_tokens));
  } else {
    const SignalTile received = received_.Signal();
    for (int width : spec.window_sizes) {
      figures[absl::StrCat("window_entropy_", width)] = WindowEntropy(received, width);
    }
  }
  at::Tensor non_finite = sum(offsetof(RowFigures, non_finite));
  if (shortened_non_finite_.defined()) non_finite = non_finite + shortened_non_finite_;
  return MakeRecords(spec, figures, non_finite);
}

}  // namespace ondelette::engine
