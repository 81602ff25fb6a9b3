#include "worker/engine/analysis/layer_analyzer.h"

#include <algorithm>
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
#include "worker/engine/analysis/signal_sources.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/spectral_sums.h"
#include "worker/engine/analysis/wavelet_sums.h"
#include "worker/engine/analysis/window_entropy.h"

namespace ondelette::engine {
namespace {

ScaleShape ShapeOf(const AnalysisPlan& plan, int64_t heads) {
  ScaleShape shape;
  shape.heads = heads;
  shape.device = plan.device();
  shape.rows = plan.rows(plan.spec().tokens);
  shape.wavelet = &plan.wavelet();
  for (size_t alpha = 0; alpha < plan.spec().alphas.size(); ++alpha) {
    shape.shortened_rows.push_back(plan.rows(plan.shortened_tokens(alpha)));
    shape.shortened.push_back(&plan.shortened_wavelet(alpha));
  }
  return shape;
}

// The head itself, or one of its controls.
struct VariantSums {
  VariantSums(const AnalysisPlan& plan, const AnalysisPlan::Variant& which)
      : variant(which),
        signals(plan.spec().signal,
                which.sink == Sink::kDropped ? plan.spec().tokens - 1 : plan.spec().tokens),
        spectral(plan.spectrum(which.sink), which.suffix.empty()
                                                ? SpectralSums::Scope::kAll
                                                : SpectralSums::Scope::kControlled) {}

  AnalysisPlan::Variant variant;
  RowSignals signals;
  SpectralSums spectral;
};

}  // namespace

int64_t TileQueries(int64_t heads, int64_t tokens, at::Device device) {
  const int64_t numbers = int64_t{1} << (device.is_cpu() ? 18 : 23);
  int64_t row = std::max<int64_t>(heads, 1) * std::max<int64_t>(tokens, 1);
  return std::clamp<int64_t>(numbers / row, 1, std::max<int64_t>(tokens, 1));
}

struct LayerAnalyzer::State {
  State(std::shared_ptr<const AnalysisPlan> shared_plan, int64_t head_count);

  void CheckTile(const at::Tensor& attention, int64_t first_query, int64_t tokens, int64_t& next);
  SignalTile Rows(int64_t first_query, const at::Tensor& attention) const;
  void AddRows(int64_t first_query, const at::Tensor& attention);
  void AddRowLanes(Sink sink, int64_t first_query, const at::Tensor& attention);
  void AddLanes(Sink sink, const std::vector<SignalSource>& sources);
  void AddWindows(int64_t first_query, const at::Tensor& attention);
  void AddBaseSignals(SignalTile& tile);
  void AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention);
  Figures Finish();
  at::Tensor Records(const Figures& figures) const;

  std::shared_ptr<const AnalysisPlan> plan;
  int64_t heads;
  int64_t next_query = 0;               // the first that has not come
  std::vector<int64_t> next_shortened;  // by alpha
  at::Tensor non_finite;                // [heads]
  MassSums masses;
  std::vector<VariantSums> variants;  // as plan->variants(): the head itself first
  WaveletSums wavelets;
  ReconstructionSums reconstruction;
  ReceivedSums received;   // rows specs
  at::Tensor window_mass;  // relative: [heads]
  std::unique_ptr<ScaleComparison> scale;
};

LayerAnalyzer::State::State(std::shared_ptr<const AnalysisPlan> shared_plan, int64_t head_count)
    : plan(std::move(shared_plan)),
      heads(head_count),
      next_shortened(plan->spec().alphas.size(), 0),
      wavelets(plan->spec().wavelet_entropy),
      reconstruction(plan->wavelet()),
      scale(MakeScaleComparison(plan->spec().scale_compare, ShapeOf(*plan, heads))) {
  for (const AnalysisPlan::Variant& variant : plan->variants()) {
    variants.emplace_back(*plan, variant);
  }
}

void LayerAnalyzer::State::CheckTile(const at::Tensor& attention, int64_t first_query,
                                     int64_t tokens, int64_t& next) {
  TORCH_CHECK(attention.dim() == 3 && attention.size(0) == heads && attention.size(2) == tokens &&
                  attention.scalar_type() == at::kFloat && attention.device() == plan->device(),
              "an attention tile must be float32 [", heads, ", queries, ", tokens, "] on ",
              plan->device());
  TORCH_CHECK(
      first_query == next && attention.size(1) >= 1 && first_query + attention.size(1) <= tokens,
      "attention tiles must follow each other: query ", next, " was to come, not ", first_query);
  next += attention.size(1);
  AddTo(non_finite, CountNonFiniteRows(attention));
}

// The head's own signals: everything beside the spectrum.
void LayerAnalyzer::State::AddBaseSignals(SignalTile& tile) {
  TransformOnce(plan->wavelet(), tile);
  wavelets.Add(tile);
}

// The spectra of the variants with this sink, on the CPU.
void LayerAnalyzer::State::AddRowLanes(Sink sink, int64_t first_query,
                                       const at::Tensor& attention) {
  const int64_t skipped = sink == Sink::kDropped && first_query == 0 ? 1 : 0;
  const int64_t rows = attention.size(1) - skipped;
  if (rows == 0) return;
  const int64_t first = first_query + skipped - (sink == Sink::kDropped ? 1 : 0);
  at::Tensor keys;
  if (plan->shuffles()) keys = plan->row_shuffle(sink).Keys(first, rows);
  AddLanes(sink, RowSources(first_query, attention, sink, keys));
}

void LayerAnalyzer::State::AddLanes(Sink sink, const std::vector<SignalSource>& sources) {
  const LaneSpectrum::HeadSums sums = plan->lanes(sink)->Sums(sources, heads);
  for (VariantSums& variant : variants) {
    if (variant.variant.sink != sink) continue;
    variant.spectral.Add(variant.variant.shuffled ? sums.twins : sums.signals);
  }
}

// The rows of the spec: where they lie, on the CPU, unless their values are needed.
SignalTile LayerAnalyzer::State::Rows(int64_t first_query, const at::Tensor& attention) const {
  const Spec& spec = plan->spec();
  if (plan->places()) return PlaceRows(first_query, attention, spec.sink, spec.wavelet_entropy);
  return PrepareRows(first_query, attention, spec.sink);
}

void LayerAnalyzer::State::AddRows(int64_t first_query, const at::Tensor& attention) {
  std::optional<SignalTile> by_sink[2];
  for (Sink sink : {Sink::kKept, Sink::kDropped}) {
    if (plan->lanes(sink) != nullptr) AddRowLanes(sink, first_query, attention);
  }
  for (VariantSums& sums : variants) {
    const AnalysisPlan::Variant& variant = sums.variant;
    if (plan->lanes(variant.sink) != nullptr) continue;
    std::optional<SignalTile>& rows = by_sink[variant.sink == Sink::kKept ? 0 : 1];
    if (!rows) rows = PrepareRows(first_query, attention, variant.sink);
    if (rows->count() == 0) continue;
    SignalTile seen = *rows;
    if (variant.shuffled) {
      seen.values = plan->row_shuffle(variant.sink).Apply(seen.first, seen.values);
    }
    if (std::optional<SignalTile> signals = sums.signals.Add(seen)) sums.spectral.Add(*signals);
  }
  std::optional<SignalTile>& own = by_sink[plan->spec().sink == Sink::kKept ? 0 : 1];
  if (!own) own = Rows(first_query, attention);
  SignalTile& rows = *own;
  if (rows.count() == 0) return;
  if (rows.placed()) TransformOnce(plan->wavelet(), rows);
  received.Add(rows);
  reconstruction.Add(rows);
  if (plan->spec().signal == Signal::kRows) {
    AddBaseSignals(rows);
  } else if (plan->spec().signal == Signal::kLast) {
    RowSignals last(Signal::kLast, plan->rows(plan->spec().tokens));
    if (std::optional<SignalTile> signal = last.Add(rows)) AddBaseSignals(*signal);
  }
  scale->AddWhole(rows);
}

void LayerAnalyzer::State::AddWindows(int64_t first_query, const at::Tensor& attention) {
  const int64_t window = plan->spec().window_tokens;
  at::Tensor windows = RelativeWindows(first_query, attention, window);
  if (windows.size(1) == 0) return;
  const int64_t first_of_tile = first_query + windows.size(1) - attention.size(1);
  AddTo(window_mass, windows.sum(at::IntArrayRef{1, 2}, false, at::kDouble));
  SignalTile tile =
      plan->places() ? PlaceWindows(first_of_tile, attention, window, plan->spec().wavelet_entropy)
                     : NormaliseWindows(first_query - window, windows);
  AddBaseSignals(tile);
  scale->AddWhole(tile);
  if (plan->lanes(Sink::kKept) != nullptr) {
    at::Tensor keys;
    if (plan->shuffles()) keys = plan->window_shuffle().Keys(first_query, windows.size(1));
    AddLanes(Sink::kKept, WindowSources(first_of_tile, attention, window, keys));
    return;
  }
  for (VariantSums& sums : variants) {
    if (!sums.variant.shuffled) {
      sums.spectral.Add(tile);
      continue;
    }
    at::Tensor rows = attention.slice(1, attention.size(1) - windows.size(1));
    at::Tensor shuffled = plan->window_shuffle().Apply(first_query, rows);
    sums.spectral.Add(NormaliseWindows(tile.first, shuffled));
  }
}

void LayerAnalyzer::State::AddShortened(size_t alpha, int64_t first_query,
                                        const at::Tensor& attention) {
  const Spec& spec = plan->spec();
  SignalTile tile;
  if (!plan->relative()) {
    tile = Rows(first_query, attention);
  } else if (plan->places()) {
    tile = PlaceWindows(first_query, attention, spec.window_tokens, spec.wavelet_entropy);
  } else {
    at::Tensor windows = RelativeWindows(first_query, attention, spec.window_tokens);
    if (windows.size(1) == 0) return;
    tile = NormaliseWindows(first_query - spec.window_tokens, windows);
  }
  if (tile.count() > 0) scale->AddShortened(alpha, tile);
}

Figures LayerAnalyzer::State::Finish() {
  const Spec& spec = plan->spec();
  TORCH_CHECK(next_query == spec.tokens, "queries ", next_query, "..", spec.tokens - 1,
              " never came");
  for (size_t alpha = 0; plan->needs_shortened() && alpha < next_shortened.size(); ++alpha) {
    TORCH_CHECK(next_shortened[alpha] == plan->shortened_tokens(alpha),
                "the sequence shortened to ", spec.alphas[alpha], " is not complete");
  }
  Figures figures;
  for (VariantSums& sums : variants) {
    if (std::optional<SignalTile> signal = sums.signals.Finish()) {
      sums.spectral.Add(*signal);
      if (sums.variant.suffix.empty()) AddBaseSignals(*signal);
    }
    sums.spectral.Finish(sums.variant.suffix, plan->signals(), figures);
  }
  wavelets.Finish(figures);
  masses.Finish(spec.tokens, figures);
  if (plan->relative()) {
    figures["window_mass"] = window_mass / static_cast<double>(plan->signals());
    figures["positional_entropy_normalised"] =
        figures["positional_entropy"] / std::log(static_cast<double>(spec.window_tokens));
  } else {
    reconstruction.Finish(figures);
    SignalTile signal = received.Signal();
    for (int width : spec.window_sizes) {
      figures[absl::StrCat("window_entropy_", width)] = WindowEntropy(signal, width);
    }
  }
  std::vector<at::Tensor> scales = scale->Finish();
  const char* name = plan->relative() ? "scale_distance_" : "scale_sensitivity_";
  for (size_t alpha = 0; alpha < scales.size(); ++alpha) {
    figures[absl::StrCat(name, NumberInName(spec.alphas[alpha]))] = scales[alpha];
  }
  return figures;
}

at::Tensor LayerAnalyzer::State::Records(const Figures& figures) const {
  std::vector<at::Tensor> columns;
  for (const Column& column : Columns(plan->spec())) {
    if (column.metric == kNonFiniteRows) {
      columns.push_back(non_finite);
      continue;
    }
    auto figure = figures.find(column.metric);
    TORCH_CHECK(figure != figures.end(), "no figure is called ", column.metric);
    at::Tensor values =
        column.element < 0 ? figure->second : figure->second.select(1, column.element);
    columns.push_back(values.masked_fill(non_finite > 0, kUndefined));
  }
  return at::stack(columns, 1).to(at::kFloat).to(at::kCPU);
}

LayerAnalyzer::LayerAnalyzer(std::shared_ptr<const AnalysisPlan> plan, int64_t heads)
    : state_(std::make_unique<State>(std::move(plan), heads)) {}

LayerAnalyzer::~LayerAnalyzer() = default;

void LayerAnalyzer::Add(int64_t first_query, const at::Tensor& attention) {
  const AnalysisPlan& plan = *state_->plan;
  state_->CheckTile(attention, first_query, plan.spec().tokens, state_->next_query);
  state_->masses.Add(first_query, attention);
  if (plan.relative()) {
    state_->AddWindows(first_query, attention.contiguous());
  } else {
    state_->AddRows(first_query, attention.contiguous());
  }
  if (plan.needs_shortened()) return;
  for (size_t alpha = 0; alpha < plan.spec().alphas.size(); ++alpha) {
    int64_t count = std::min(attention.size(1), plan.shortened_tokens(alpha) - first_query);
    if (count <= 0) continue;
    state_->AddShortened(
        alpha, first_query,
        attention.narrow(1, 0, count).narrow(2, 0, plan.shortened_tokens(alpha)).contiguous());
  }
}

void LayerAnalyzer::AddShortened(size_t alpha_index, int64_t first_query,
                                 const at::Tensor& attention) {
  const AnalysisPlan& plan = *state_->plan;
  TORCH_CHECK(plan.needs_shortened() && alpha_index < plan.spec().alphas.size(),
              "this spec takes no attention of a shortened sequence ", alpha_index);
  state_->CheckTile(attention, first_query, plan.shortened_tokens(alpha_index),
                    state_->next_shortened[alpha_index]);
  state_->AddShortened(alpha_index, first_query, attention.contiguous());
}

at::Tensor LayerAnalyzer::Finish() { return state_->Records(state_->Finish()); }

}  // namespace ondelette::engine
