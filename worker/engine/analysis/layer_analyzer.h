// One layer of one sequence: attention comes in, and one record a head comes out.
//
//   LayerAnalyzer analyzer(plan, heads);
//   where plan.lanes() is nullptr, for each tile of queries: analyzer.Add(first_query, attention);
//   elsewhere, for each head and each sixteen queries: analyzer.Add(block);
//   for each alpha, where plan.needs_shortened(): the same with analyzer.AddShortened(alpha, ...);
//   at::Tensor records = analyzer.Finish();
//
// Attention is never kept. What is kept are sums over queries in float64, and for rows the wavelet
// coefficients that a scale figure compares (scale.h, lane_scale.h). For `relative` nothing grows
// with n^2.
//
// Figures, their names and formulas: docs/metrics.md; their order: common/spec/columns.h.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "worker/engine/analysis/plan.h"
#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

class LaneAnalysis;
class TeamAnalysis;
class TileAnalysis;

// Queries per tile, at least 1 and at most `tokens`: such that the analyzer's work space for a tile
// [heads, tile, tokens], about 100 bytes a number, stays near a processor's cache on the CPU (2^18
// numbers) and within a gibibyte, enough to fill it, on a GPU (2^23 numbers). A single query's row
// may be more than that.
int64_t TileQueries(int64_t heads, int64_t tokens, at::Device device = at::kCPU);

// Shapes and order of what comes in are the caller's promise: a broken one throws c10::Error, as
// does LibTorch itself where memory runs out. The program's border turns both into messages.
class LayerAnalyzer {
 public:
  LayerAnalyzer(std::shared_ptr<const AnalysisPlan> plan, int64_t heads);
  ~LayerAnalyzer();
  LayerAnalyzer(const LayerAnalyzer&) = delete;
  LayerAnalyzer& operator=(const LayerAnalyzer&) = delete;

  // Tiles: attention [heads, tile, keys] float32 on the plan's device: the rows of queries
  // first_query.., zeros where masked; keys = n = spec.tokens, or where the plan is causal at least
  // those that the tile's last query sees. Tiles follow each other without a gap, from query 0 to
  // n - 1. One call at a time.
  void Add(int64_t first_query, const at::Tensor& attention);
  // The same for the shortened sequence of spec.alphas[alpha_index], m keys at most; before,
  // between or after the calls of Add.
  void AddShortened(size_t alpha_index, int64_t first_query, const at::Tensor& attention);

  // In place of tiles, where plan.takes_scores(): the scores that would become them.
  void Add(const SoftmaxArguments& rows);
  void AddShortened(size_t alpha_index, const SoftmaxArguments& rows);

  // Lanes: the blocks of a head come in the order of their queries, one at a time. Those of other
  // heads and of shortened sequences may come at the same time on other threads.
  void Add(const LaneBlock& block);
  void AddShortened(size_t alpha_index, const LaneBlock& block);

  // The records, [heads, Columns(spec).size()] float32 on the plan's device, NaN where a figure is
  // undefined. After the last tile; once. Never waits for a GPU: the layers' work queues up.
  at::Tensor Finish();

 private:
  const std::shared_ptr<const AnalysisPlan> plan_;
  std::unique_ptr<TileAnalysis> tiles_;  // one of the three
  std::unique_ptr<TeamAnalysis> teams_;
  std::unique_ptr<LaneAnalysis> lanes_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_
