// The kernels of teams on tensors: a tile of attention to figures and coefficients.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/engine/analysis/plan.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/teams/arguments.h"
#include "worker/engine/torch/attention_band.h"

namespace ondelette::engine {

// Everything here is queued on the current stream of attention's device, and throws c10::Error where
// a kernel cannot be started. attention [heads, queries, keys], keys side by side; on a CPU it is done
// when the function returns.

// RowFigures of every row, [heads, queries, kRowFigures].
at::Tensor RowFiguresOf(const AnalysisPlan& plan, int64_t first_query, const at::Tensor& attention);

// Windows of attention that are cut by the kernel for bands.
struct CutWindows {
  at::Tensor windows;  // [heads, n - window, window]
  at::Tensor twins;    // likewise of the shuffled rows; undefined where there are none
  at::Tensor masses;   // BandMasses, [heads, n, 3]
};
// Of a sequence of any length; twins only with `twins`, and where the plan has them.
CutWindows CutBand(const AnalysisPlan& plan, const AttentionBand& band, bool twins);
// RowFigures [heads, n - window, kRowFigures] without the masses of BandMasses.
at::Tensor RowFiguresOf(const AnalysisPlan& plan, const CutWindows& cut);

struct TransformedSignals {
  // Of the rows that have a signal, which may be none; without values. levels only where they are
  // kept.
  SignalTile signals;
  at::Tensor figures;  // [heads, signals, WaveletFigures]
};
// Of windows that are cut, `rules` say so, and the first query is `window`.
TransformedSignals TransformTile(const WaveletArguments& rules, int64_t first_query,
                                 const at::Tensor& attention, bool kept);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_SIGNALS_H_
