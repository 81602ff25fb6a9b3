// The kernels of teams on tensors: a tile of attention to figures and coefficients.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/engine/analysis/plan.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// Everything here is queued on the current stream of attention's device, and throws c10::Error where
// a kernel cannot be started. attention [heads, queries, keys], keys side by side; on a CPU it is done
// when the function returns.

// RowFigures of every row, [heads, queries, kRowFigures].
at::Tensor RowFiguresOf(const AnalysisPlan& plan, int64_t first_query, const at::Tensor& attention);

// Windows cut from a tile of scores, of queries first_query.., which are at least the window's length.
struct CutWindows {
  int64_t first_query;
  at::Tensor windows;  // [heads, signals, window]
  at::Tensor twins;    // likewise of the shuffled rows; undefined where there are none
  at::Tensor masses;   // WindowMasses of all the tile's queries, [heads, queries, 3]
};
// Twins only with `twins`, and where the plan has them. `rows` lie on the plan's device.
CutWindows CutScores(const AnalysisPlan& plan, const SoftmaxArguments& rows, bool twins);
// RowFigures [heads, signals, kRowFigures] without the masses of WindowMasses.
at::Tensor RowFiguresOf(const AnalysisPlan& plan, const CutWindows& cut);

struct TransformedSignals {
  // Of the rows that have a signal, which may be none; without values. levels only where they are
  // kept.
  SignalTile signals;
  at::Tensor figures;  // [heads, signals, WaveletFigures]
};
// Of windows that are cut, `rules` say so.
TransformedSignals TransformTile(const WaveletArguments& rules, int64_t first_query,
                                 const at::Tensor& attention, bool kept);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_
