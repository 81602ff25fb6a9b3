// One layer of one sequence: attention comes in, tile by tile, and one record a head comes out.
//
//   LayerAnalyzer analyzer(plan, heads);
//   for each tile of queries: analyzer.Add(first_query, attention);
//   for each alpha, where the plan says so, for each tile: analyzer.AddShortened(alpha_index, ...);
//   at::Tensor records = analyzer.Finish();
//
// Attention is never kept. What is kept are sums over queries in float64, and for the signals rows,
// received and last the wavelet coefficients that a scale figure compares: at most about twice
// floor(alpha n)^2 float32 a head and alpha. For `relative` nothing grows with n^2.
//
// Figures, their names and formulas: docs/metrics.md; their order: common/spec/columns.h.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "worker/engine/analysis/plan.h"

namespace ondelette::engine {

// Queries per tile, at least 1 and at most `tokens`: such that the analyzer's work space for a tile
// [heads, tile, tokens], about 100 bytes a number, stays near a processor's cache on the CPU (2^18
// numbers) and within a gibibyte, enough to fill it, on a GPU (2^23 numbers). A single query's row
// may be more than that.
int64_t TileQueries(int64_t heads, int64_t tokens, at::Device device = at::kCPU);

// Not thread-safe; analyzers of different layers or sequences may run at once on one plan.
// Shapes and order of the tiles are the caller's promise: a broken one throws c10::Error, as does
// LibTorch itself where memory runs out. The program's border turns both into messages.
class LayerAnalyzer {
 public:
  LayerAnalyzer(std::shared_ptr<const AnalysisPlan> plan, int64_t heads);
  ~LayerAnalyzer();
  LayerAnalyzer(const LayerAnalyzer&) = delete;
  LayerAnalyzer& operator=(const LayerAnalyzer&) = delete;

  // Attention [heads, tile, n] float32 on the plan's device, n = spec.tokens: the rows of queries
  // first_query.., zeros where masked. Tiles follow each other without a gap, from query 0 to n
  // - 1.
  void Add(int64_t first_query, const at::Tensor& attention);

  // The same for the shortened sequence of spec.alphas[alpha_index], [heads, tile, m]. Only where
  // plan.needs_shortened(); before, between or after the calls of Add.
  void AddShortened(size_t alpha_index, int64_t first_query, const at::Tensor& attention);

  // The records, [heads, Columns(spec).size()] float32 on the CPU, NaN where a figure is undefined.
  // After the last tile; once.
  at::Tensor Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LAYER_ANALYZER_H_
