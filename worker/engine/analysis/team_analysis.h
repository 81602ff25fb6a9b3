// One layer of one sequence from tiles of attention, by the kernels of teams (worker/engine/teams), in
// float32: a GPU's way, or, slowly, what it would compute on a CPU.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_ANALYSIS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_ANALYSIS_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/analysis/scale.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/tiles.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// As LayerAnalyzer has it. Every row's figures come back from the kernels and are summed in float64 in
// the order of the rows. Not thread-safe; `plan`, which has teams, must outlive it.
class TeamAnalysis {
 public:
  TeamAnalysis(const AnalysisPlan& plan, int64_t heads);

  void Add(int64_t first_query, const at::Tensor& attention);
  void AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention);
  // In place of tiles, where plan.takes_scores().
  void Add(const SoftmaxArguments& rows);
  void AddShortened(size_t alpha, const SoftmaxArguments& rows);
  at::Tensor Finish();

 private:
  void AddMasses(const at::Tensor& masses);
  void AddReceived(int64_t first_query, const at::Tensor& attention);
  void AddWhole(const WaveletArguments& rules, int64_t first_query, const at::Tensor& attention);
  void AddShortenedSignals(size_t alpha, const WaveletArguments& rules, int64_t first_query,
                           const at::Tensor& attention);
  // The tile's signals, if it has any, and what the scale figure compares of them; their figures are
  // added to `sums`.
  std::optional<SignalTile> Transformed(const WaveletArguments& rules, int64_t first_query,
                                        const at::Tensor& attention, at::Tensor& sums) const;
  void FinishSpectra(Figures& figures) const;
  void FinishWavelets(Figures& figures) const;
  at::Tensor ProfileDistance(size_t alpha) const;
  void FinishScale(Figures& figures) const;

  const AnalysisPlan& plan_;
  TileOrder order_;
  at::Tensor rows_;                    // [heads, kRowFigures]: sums of RowFigures
  at::Tensor shortened_non_finite_;    // [heads]: rows of shortened sequences
  at::Tensor wavelets_;                // [heads, WaveletFigures]: sums
  std::vector<at::Tensor> shortened_;  // by alpha: likewise
  ReceivedSums received_;              // rows specs
  // nullptr for profile-distance, for which the sums are enough.
  std::unique_ptr<ScaleComparison> scale_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TEAM_ANALYSIS_H_
