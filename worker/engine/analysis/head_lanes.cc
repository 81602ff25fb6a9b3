#include "worker/engine/analysis/head_lanes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/shortened.h"
#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

// A thread's work space.
struct Scratch {
  LaneBuffer spectrum, wavelets, twin, windows;
};

Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}

template <typename Number>
double Total(const Number* lanes) {
  return std::accumulate(lanes, lanes + kLaneCount, 0.0);
}

// Sum of lanes that are signals and not empty.
double Filled(const LaneSignals& signals) { return Total(signals.filled); }

double NonFiniteRows(const LaneBlock& block) {
  float mass[kLaneCount];
  Kernels().sum_signals(block.values + block.first_seen * kLaneCount,
                        block.end_seen - block.first_seen, mass);
  return static_cast<double>(
      std::count_if(mass, mass + block.queries, [](float row) { return !std::isfinite(row); }));
}

void AddPositional(const LaneSignals& signals, LaneSpectrumSums& sums) {
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    if (signals.filled[lane] != 0) sums.positional += signals.positional[lane];
  }
  sums.filled += Filled(signals);
}

// Both kinds of signals through one transform; `twins` may be nullptr.
void AddSpectra(const LanePlan& plan, Sink sink, const LaneSignals& signals,
                const LaneSignals* twins, LaneSpectrumSums* sums) {
  const SpectralTable& table = plan.spectrum(sink);
  const bool detrended = plan.spec.detrend == Detrend::kConstant;
  const SpectralInput input = signals.Spectral(detrended);
  AddPositional(signals, sums[0]);
  float* scratch = ThreadScratch().spectrum.AtLeast(SpectralScratch(table));
  if (twins == nullptr) {
    return Kernels().add_spectra(table, input, nullptr, scratch, sums[0].totals, nullptr);
  }
  const SpectralInput other = twins->Spectral(detrended);
  AddPositional(*twins, sums[1]);
  Kernels().add_spectra(table, input, &other, scratch, sums[0].totals, &sums[1].totals);
}

}  // namespace

HeadLanes::HeadLanes(const LanePlan& plan)
    : plan_(plan),
      shortened_non_finite_rows_(plan.spec.alphas.size()),
      energy_share_(static_cast<size_t>(plan.spec.level + 1) * kLaneCount),
      entropy_(energy_share_.size()),
      received_(static_cast<size_t>(plan.relative() ? 0 : plan.wavelet.length)),
      scale_(MakeLaneScale(plan)) {}

void HeadLanes::Add(const LaneBlock& block) {
  if (plan_.relative()) {
    AddWindows(block);
  } else {
    AddRows(block);
  }
}

void HeadLanes::AddMasses(const LaneBlock& block) {
  non_finite_rows_ += NonFiniteRows(block);
  float local[kLaneCount];
  Kernels().local_mass(block, kLocalWidth, local);
  for (int64_t lane = 0; lane < block.queries; ++lane) {
    if (block.first_query + lane > 0) sink_mass_ += block.values[lane];
    local_mass_ += local[lane];
  }
}

void HeadLanes::AddRows(const LaneBlock& block) {
  const SignalMeasures without_sink = MeasureWithoutSink(block);
  const LaneSignals kept = RowsOf(block, Sink::kKept, without_sink);
  const LaneSignals dropped = RowsOf(block, Sink::kDropped, without_sink);
  AddMasses(block);
  for (Sink sink : {Sink::kKept, Sink::kDropped}) {
    if (!plan_.spectra[sink == Sink::kDropped]) continue;
    AddRowSpectra(block, sink == Sink::kDropped ? dropped : kept, sink);
  }
  const LaneSignals& own = plan_.spec.sink == Sink::kDropped ? dropped : kept;
  AddWavelets(own);
  float weights[kLaneCount];
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    weights[lane] = own.filled[lane] * own.scale[lane];
  }
  Kernels().add_received(own.x, own.end_seen, weights, received_.data());
}

void HeadLanes::AddRowSpectra(const LaneBlock& block, const LaneSignals& rows, Sink sink) {
  const bool dropped = sink == Sink::kDropped;
  if (!plan_.controlled) return AddSpectra(plan_, sink, rows, nullptr, spectra_[dropped]);
  // A shuffled row has the numbers, and so the measures, of the row itself.
  LaneSignals twins = rows;
  float* x = ThreadScratch().twin.AtLeast(rows.length * kLaneCount);
  const RowLaneShuffle::Keys keys = plan_.row_shuffles[dropped]->Of(block.first_query / kLaneCount);
  const int64_t moved = std::min(keys.count, rows.end_seen);
  Kernels().gather_rows(rows.x, keys.permutations, moved, x);
  std::copy(rows.x + moved * kLaneCount, rows.x + rows.end_seen * kLaneCount,
            x + moved * kLaneCount);
  twins.x = x;
  AddSpectra(plan_, sink, rows, &twins, spectra_[dropped]);
}

void HeadLanes::AddWindows(const LaneBlock& block) {
  AddMasses(block);
  const int64_t window = plan_.spec.window_tokens;
  if (block.first_query + block.queries <= window) return;
  Scratch& scratch = ThreadScratch();
  float* x = scratch.windows.AtLeast(window * kLaneCount);
  Kernels().cut_windows(block, window, x);
  const LaneSignals windows = WindowsOf(block, window, x);
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    if (windows.present[lane] != 0) window_mass_ += windows.measures.mass[lane];
  }
  if (plan_.controlled) {
    float* shuffled = scratch.twin.AtLeast(window * kLaneCount);
    const int32_t* keys = plan_.window_shuffle->Of(block.first_query / kLaneCount);
    Kernels().gather_windows(block.values, keys, window, shuffled);
    const LaneSignals twins = WindowsOf(block, window, shuffled);
    AddSpectra(plan_, Sink::kKept, windows, &twins, spectra_[0]);
  } else {
    AddSpectra(plan_, Sink::kKept, windows, nullptr, spectra_[0]);
  }
  AddWavelets(windows);
}

// The head's own signals: everything made from wavelets.
void HeadLanes::AddWavelets(const LaneSignals& signals) {
  const WaveletTable& table = plan_.wavelet;
  const float zeros[kLaneCount] = {};
  float* scratch = ThreadScratch().wavelets.AtLeast(WaveletScratch(table));
  const float* coefficients = Kernels().transform_wavelets(table, signals.x, signals.scale, zeros,
                                                           signals.end_seen, scratch);
  const bool within_scale = plan_.spec.wavelet_entropy == WaveletEntropy::kWithinScale;
  Kernels().add_wavelet_figures(table, coefficients, signals.filled, signals.end_seen, within_scale,
                                energy_share_.data(), entropy_.data());
  filled_ += Filled(signals);
  if (!plan_.relative()) {
    Kernels().add_reconstruction(table, signals.present, signals.end_seen, scratch,
                                 reconstruction_);
  }
  scale_->AddWhole(signals, coefficients);
  if (!plan_.needs_shortened) AddPrefixes(signals);
}

// The first m keys of the first m queries are the attention of the first m tokens.
void HeadLanes::AddPrefixes(const LaneSignals& signals) {
  for (size_t alpha = 0; alpha < plan_.shortened.size(); ++alpha) {
    LaneSignals prefix = signals;
    int64_t count = ShortenedLength(plan_.spec.alphas[alpha], plan_.spec.tokens);
    if (plan_.relative()) {
      count -= plan_.spec.window_tokens;
    } else {
      count = prefix.length = plan_.SignalLength(count);
      prefix.end_seen = std::min(prefix.end_seen, prefix.length);
    }
    if (prefix.first >= count) continue;
    for (int64_t lane = 0; lane < kLaneCount; ++lane) {
      if (prefix.first + lane < count) continue;
      prefix.present[lane] = prefix.filled[lane] = 0;
    }
    scale_->AddShortened(alpha, prefix);
  }
}

void HeadLanes::AddShortened(size_t alpha, const LaneBlock& block) {
  shortened_non_finite_rows_[alpha] += NonFiniteRows(block);
  if (!plan_.relative()) {
    scale_->AddShortened(alpha, RowsOf(block, plan_.spec.sink, MeasureWithoutSink(block)));
    return;
  }
  const int64_t window = plan_.spec.window_tokens;
  if (block.first_query + block.queries <= window) return;
  float* x = ThreadScratch().windows.AtLeast(window * kLaneCount);
  Kernels().cut_windows(block, window, x);
  scale_->AddShortened(alpha, WindowsOf(block, window, x));
}

double HeadLanes::non_finite_rows() const {
  return std::accumulate(shortened_non_finite_rows_.begin(), shortened_non_finite_rows_.end(),
                         non_finite_rows_);
}

std::vector<double> HeadLanes::Received() const {
  std::vector<double> mean = received_;
  for (double& sum : mean) sum /= filled_;
  return mean;
}

// Figures of the head's own spectrum, and of the controls that the spec asks for.
void HeadLanes::FinishSpectra(HeadFigures& figures) const {
  static constexpr const char* kNames[] = {"spectral_entropy", "frequency_selectivity", "band_low",
                                           "peak_share",       "spectral_flatness",     "band_mid",
                                           "band_high"};
  for (int sink = 0; sink < 2; ++sink) {
    for (int twin = 0; twin < 2; ++twin) {
      const LaneSpectrumSums& sums = spectra_[sink][twin];
      const bool own_sink = (plan_.spec.sink == Sink::kDropped) == (sink == 1);
      const std::string suffix =
          absl::StrCat(own_sink ? "" : kSinkDroppedSuffix, twin == 1 ? kKeyShuffledSuffix : "");
      const double counted = Total(sums.totals.values[SpectralTotals::kCounted]);
      for (int figure = 0; figure < SpectralTotals::kCounted; ++figure) {
        figures[absl::StrCat(kNames[figure], suffix)] = {Total(sums.totals.values[figure]) /
                                                         counted};
      }
      figures[absl::StrCat("positional_entropy", suffix)] = {sums.positional / sums.filled};
      if (!suffix.empty()) continue;
      const SpectralTable& table = plan_.spectrum(plan_.spec.sink);
      const auto bins = static_cast<double>(table.plan.length / 2 + 1 - table.first_bin);
      figures["spectral_entropy_normalised"] = {figures["spectral_entropy"][0] / std::log(bins)};
      const int64_t signals =
          plan_.relative() ? plan_.spec.tokens - plan_.spec.window_tokens : plan_.wavelet.length;
      figures[kCoverage] = {counted / static_cast<double>(signals)};
    }
  }
}

HeadLanes::HeadFigures HeadLanes::Finish() {
  HeadFigures figures;
  FinishSpectra(figures);
  const Spec& spec = plan_.spec;
  for (int level = 0; level <= spec.level; ++level) {
    const int64_t at = level * kLaneCount;
    figures["wavelet_energy"].push_back(Total(&energy_share_[at]) / filled_);
    figures["wavelet_entropy"].push_back(Total(&entropy_[at]) / filled_);
  }
  figures["sink_mass"] = {sink_mass_ / (spec.tokens - 1)};
  figures["local_mass_16"] = {local_mass_ / spec.tokens};
  if (plan_.relative()) {
    figures["window_mass"] = {window_mass_ / (spec.tokens - spec.window_tokens)};
    figures["positional_entropy_normalised"] = {figures["positional_entropy"][0] /
                                                std::log(static_cast<double>(spec.window_tokens))};
  } else {
    figures["reconstruction_error"] = {
        std::sqrt(Total(reconstruction_.error) / Total(reconstruction_.energy))};
  }
  const char* scale = plan_.relative() ? "scale_distance_" : "scale_sensitivity_";
  for (size_t alpha = 0; alpha < spec.alphas.size(); ++alpha) {
    figures[absl::StrCat(scale, NumberInName(spec.alphas[alpha]))] = {scale_->Finish(alpha)};
  }
  scale_.reset();
  return figures;
}

}  // namespace ondelette::engine
