#include "worker/engine/analysis/tile_analysis.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/masses.h"
#include "worker/engine/analysis/scale.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/spectral_sums.h"
#include "worker/engine/analysis/tiles.h"
#include "worker/engine/analysis/wavelet_sums.h"
#include "worker/engine/analysis/window_entropy.h"

namespace ondelette::engine {
TileAnalysis::VariantSums::VariantSums(const AnalysisPlan& plan, const AnalysisPlan::Variant& which)
    : variant(which),
      signals(plan.spec().signal,
              which.sink == Sink::kDropped ? plan.spec().tokens - 1 : plan.spec().tokens),
      spectral(plan.spectrum(which.sink), which.suffix.empty() ? SpectralSums::Scope::kAll
                                                               : SpectralSums::Scope::kControlled) {
}

TileAnalysis::TileAnalysis(const AnalysisPlan& plan, int64_t heads)
    : plan_(plan),
      order_(plan_, heads),
      wavelets_(plan_.spec().wavelet_entropy),
      reconstruction_(plan_.wavelet()),
      scale_(MakeScaleComparison(plan, heads)) {
  for (const AnalysisPlan::Variant& variant : plan_.variants()) {
    variants_.emplace_back(plan_, variant);
  }
}

// The head's own signals: everything beside the spectrum.
void TileAnalysis::AddBaseSignals(SignalTile& tile) {
  TransformOnce(plan_.wavelet(), tile);
  wavelets_.Add(tile);
}

void TileAnalysis::AddRows(int64_t first_query, const at::Tensor& attention) {
  std::optional<SignalTile> by_sink[2];
  for (VariantSums& sums : variants_) {
    const AnalysisPlan::Variant& variant = sums.variant;
    std::optional<SignalTile>& rows = by_sink[variant.sink == Sink::kKept ? 0 : 1];
    if (!rows) rows = PrepareRows(first_query, attention, variant.sink);
    if (rows->count() == 0) continue;
    SignalTile seen = *rows;
    if (variant.shuffled) {
      seen.values = plan_.row_shuffle(variant.sink).Apply(seen.first, seen.values);
    }
    if (std::optional<SignalTile> signals = sums.signals.Add(seen)) sums.spectral.Add(*signals);
  }
  std::optional<SignalTile>& own = by_sink[plan_.spec().sink == Sink::kKept ? 0 : 1];
  if (!own) own = PrepareRows(first_query, attention, plan_.spec().sink);
  SignalTile& rows = *own;
  if (rows.count() == 0) return;
  received_.Add(rows);
  reconstruction_.Add(rows);
  if (plan_.spec().signal == Signal::kRows) {
    AddBaseSignals(rows);
  } else if (plan_.spec().signal == Signal::kLast) {
    RowSignals last(Signal::kLast, plan_.rows(plan_.spec().tokens));
    if (std::optional<SignalTile> signal = last.Add(rows)) AddBaseSignals(*signal);
  }
  scale_->AddWhole(rows);
}

void TileAnalysis::AddWindows(int64_t first_query, const at::Tensor& attention) {
  const int64_t window = plan_.spec().window_tokens;
  at::Tensor windows = RelativeWindows(first_query, attention, window);
  if (windows.size(1) == 0) return;
  AddTo(window_mass_, windows.sum(at::IntArrayRef{1, 2}, false, at::kDouble));
  SignalTile tile = NormaliseWindows(first_query - window, windows);
  AddBaseSignals(tile);
  scale_->AddWhole(tile);
  for (VariantSums& sums : variants_) {
    if (!sums.variant.shuffled) {
      sums.spectral.Add(tile);
      continue;
    }
    at::Tensor rows = attention.slice(1, attention.size(1) - windows.size(1));
    at::Tensor shuffled = plan_.window_shuffle().Apply(first_query, rows);
    sums.spectral.Add(NormaliseWindows(tile.first, shuffled));
  }
}

void TileAnalysis::AddShortenedSignals(size_t alpha, int64_t first_query,
                                       const at::Tensor& attention) {
  const Spec& spec = plan_.spec();
  SignalTile tile;
  if (!plan_.relative()) {
    tile = PrepareRows(first_query, attention, spec.sink);
  } else {
    at::Tensor windows = RelativeWindows(first_query, attention, spec.window_tokens);
    if (windows.size(1) == 0) return;
    tile = NormaliseWindows(first_query - spec.window_tokens, windows);
  }
  if (tile.count() > 0) scale_->AddShortened(alpha, tile);
}

Figures TileAnalysis::MakeFigures() {
  const Spec& spec = plan_.spec();
  order_.CheckComplete();
  Figures figures;
  for (VariantSums& sums : variants_) {
    if (std::optional<SignalTile> signal = sums.signals.Finish()) {
      sums.spectral.Add(*signal);
      if (sums.variant.suffix.empty()) AddBaseSignals(*signal);
    }
    sums.spectral.Finish(sums.variant.suffix, plan_.signals(), figures);
  }
  wavelets_.Finish(figures);
  masses_.Finish(spec.tokens, figures);
  if (plan_.relative()) {
    figures["window_mass"] = window_mass_ / static_cast<double>(plan_.signals());
    figures["positional_entropy_normalised"] =
        figures["positional_entropy"] / std::log(static_cast<double>(spec.window_tokens));
  } else {
    reconstruction_.Finish(figures);
    SignalTile signal = received_.Signal();
    for (int width : spec.window_sizes) {
      figures[absl::StrCat("window_entropy_", width)] = WindowEntropy(signal, width);
    }
  }
  std::vector<at::Tensor> scales = scale_->Finish();
  const char* name = plan_.relative() ? "scale_distance_" : "scale_sensitivity_";
  for (size_t alpha = 0; alpha < scales.size(); ++alpha) {
    figures[absl::StrCat(name, NumberInName(spec.alphas[alpha]))] = scales[alpha];
  }
  return figures;
}

void TileAnalysis::Add(int64_t first_query, const at::Tensor& tile) {
  order_.Add(first_query, tile);
  const at::Tensor attention = OverAllKeys(tile, plan_.spec().tokens);
  AddTo(non_finite_, CountNonFiniteRows(attention));
  masses_.Add(first_query, attention);
  if (plan_.relative()) {
    AddWindows(first_query, attention);
  } else {
    AddRows(first_query, attention);
  }
  if (!plan_.needs_shortened()) AddPrefixes(first_query, attention);
}

// The first m keys of the first m rows are the attention of the first m tokens.
void TileAnalysis::AddPrefixes(int64_t first_query, const at::Tensor& attention) {
  for (size_t alpha = 0; alpha < plan_.spec().alphas.size(); ++alpha) {
    at::Tensor prefix = PrefixOf(attention, first_query, plan_.shortened_tokens(alpha));
    if (prefix.defined()) AddShortenedSignals(alpha, first_query, prefix.contiguous());
  }
}

void TileAnalysis::AddShortened(size_t alpha, int64_t first_query, const at::Tensor& tile) {
  order_.AddShortened(alpha, first_query, tile);
  const at::Tensor attention = OverAllKeys(tile, plan_.shortened_tokens(alpha));
  AddTo(non_finite_, CountNonFiniteRows(attention));
  AddShortenedSignals(alpha, first_query, attention);
}

at::Tensor TileAnalysis::Finish() {
  const Figures figures = MakeFigures();
  return MakeRecords(plan_.spec(), figures, non_finite_);
}

}  // namespace ondelette::engine
