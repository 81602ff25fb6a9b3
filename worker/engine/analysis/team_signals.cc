#include "worker/engine/analysis/team_signals.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/torch/run_teams.h"

namespace ondelette::engine {
namespace {

void SetAttention(int64_t first_query, const at::Tensor& attention, TeamTile& tile) {
  TORCH_CHECK(attention.stride(2) == 1, "a row's keys must lie side by side");
  tile.attention = attention.data_ptr<float>();
  tile.head_stride = attention.stride(0);
  tile.row_stride = attention.stride(1);
  tile.heads = static_cast<int>(attention.size(0));
  tile.queries = static_cast<int>(attention.size(1));
  tile.keys = static_cast<int>(attention.size(2));
  tile.first_query = static_cast<int>(first_query);
}

// The permutations of signals first..first + count - 1.
struct Shuffled {
  Shuffled(int64_t first, const at::Tensor& of) : keys(of.contiguous()) {
    shuffle = {keys.data_ptr<int32_t>(), static_cast<int>(first)};
  }
  at::Tensor keys;
  TeamShuffle shuffle;
};

// Of a tile's rows that have signals of the kind; nothing where none has, or no control is of it.
std::optional<Shuffled> ShuffleOf(const AnalysisPlan& plan, Sink sink, int64_t first_query,
                                  int64_t queries) {
  const bool shuffled = std::any_of(
      plan.variants().begin(), plan.variants().end(),
      [sink](const AnalysisPlan::Variant& which) { return which.shuffled && which.sink == sink; });
  if (!shuffled) return std::nullopt;
  const int64_t before = plan.relative()          ? plan.spec().window_tokens
                         : sink == Sink::kDropped ? 1
                                                  : 0;
  const int64_t begin = std::max(first_query, before), count = first_query + queries - begin;
  if (count <= 0) return std::nullopt;
  return Shuffled(begin - before, plan.relative()
                                      ? plan.window_shuffle().Keys(begin, count)
                                      : plan.row_shuffle(sink).Keys(begin - before, count));
}

// RowFigures of every row of attention [heads, rows, ...].
at::Tensor SpectraOf(SpectraArguments& arguments, const at::Tensor& attention) {
  at::Tensor figures =
      at::empty({attention.size(0), attention.size(1), kRowFigures}, attention.options());
  arguments.figures = reinterpret_cast<RowFigures*>(figures.data_ptr<float>());
  RunTeams(arguments, attention.device());
  return figures;
}

// [heads, signals, coefficients], finest detail first, as wavelet.h has them.
std::vector<at::Tensor> LevelsOf(const TeamWavelet& wavelet, const at::Tensor& coefficients) {
  int64_t begin = wavelet.coefficients;
  std::vector<at::Tensor> levels;
  for (int level = 0; level <= wavelet.steps; ++level) {
    const int step = level == 0 ? wavelet.steps - 1 : wavelet.steps - level;
    begin -= wavelet.step[step].half;
    levels.push_back(coefficients.narrow(2, begin, wavelet.step[step].half));
  }
  return levels;
}

}  // namespace

at::Tensor RowFiguresOf(const AnalysisPlan& plan, int64_t first_query,
                        const at::Tensor& attention) {
  SpectraArguments arguments = plan.teams()->spectra();
  SetAttention(first_query, attention, arguments.tile);
  std::optional<Shuffled> held[2];
  for (Sink sink : {Sink::kKept, Sink::kDropped}) {
    const size_t at = sink == Sink::kDropped ? 1 : 0;
    held[at] = ShuffleOf(plan, sink, first_query, attention.size(1));
    if (held[at]) arguments.shuffle[at] = held[at]->shuffle;
  }
  return SpectraOf(arguments, attention);
}

CutWindows CutScores(const AnalysisPlan& plan, const SoftmaxArguments& rows, bool twins) {
  const int64_t window = plan.spec().window_tokens, end = rows.first_query + rows.queries;
  const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat).device(plan.device());
  CutWindows cut;
  cut.first_query = std::min(std::max<int64_t>(rows.first_query, window), end);
  const int64_t signals = end - cut.first_query;
  cut.windows = at::empty({rows.heads, signals, window}, options);
  cut.masses = at::empty({rows.heads, rows.queries, 3}, options);
  WindowArguments arguments{};
  arguments.rows = rows;
  arguments.window = static_cast<int>(window);
  arguments.local_width = kLocalWidth;
  arguments.windows = cut.windows.data_ptr<float>();
  arguments.masses = reinterpret_cast<WindowMasses*>(cut.masses.data_ptr<float>());
  std::optional<Shuffled> shuffled;
  if (twins) shuffled = ShuffleOf(plan, plan.spec().sink, cut.first_query, signals);
  if (shuffled) {
    cut.twins = at::empty_like(cut.windows);
    arguments.shuffle = shuffled->shuffle;
    arguments.twins = cut.twins.data_ptr<float>();
  }
  RunTeams(arguments, plan.device());
  return cut;
}

at::Tensor RowFiguresOf(const AnalysisPlan& plan, const CutWindows& cut) {
  SpectraArguments arguments = plan.teams()->spectra();
  arguments.tile.cut = true;
  SetAttention(cut.first_query, cut.windows, arguments.tile);
  if (cut.twins.defined()) arguments.shuffle[0].cut = cut.twins.data_ptr<float>();
  return SpectraOf(arguments, cut.windows);
}

TransformedSignals TransformTile(const WaveletArguments& rules, int64_t first_query,
                                 const at::Tensor& attention, bool kept) {
  const int64_t before = rules.tile.window > 0 ? rules.tile.window : rules.dropped ? 1 : 0;
  const int64_t skipped = std::clamp<int64_t>(before - first_query, 0, attention.size(1));
  const at::Tensor rows = attention.narrow(1, skipped, attention.size(1) - skipped);
  WaveletArguments arguments = rules;
  SetAttention(first_query + skipped, rows, arguments.tile);
  const int64_t heads = rows.size(0), signals = rows.size(1);
  TransformedSignals out;
  out.figures = at::empty({heads, signals, WaveletFigures(rules.wavelet)}, attention.options());
  arguments.figures = out.figures.data_ptr<float>();
  at::Tensor coefficients;
  if (kept) {
    coefficients = at::empty({heads, signals, rules.wavelet.coefficients}, attention.options());
    arguments.coefficients = coefficients.data_ptr<float>();
  }
  RunTeams(arguments, attention.device());
  out.signals.first = first_query + skipped - before;
  out.signals.filled = out.figures.select(2, 0) > 0;
  if (kept) out.signals.levels = LevelsOf(rules.wavelet, coefficients);
  return out;
}

}  // namespace ondelette::engine
