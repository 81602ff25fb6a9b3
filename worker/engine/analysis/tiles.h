// What the analyses that take attention in tiles have in common: the tiles' order, and how figures
// become records.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TILES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TILES_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// Which queries have come. Not thread-safe; `plan` must outlive it. Throws c10::Error where a tile is
// not the one that was to come.
class TileOrder {
 public:
  TileOrder(const AnalysisPlan& plan, int64_t heads);
  // Attention [heads, queries, keys] of the whole sequence, or of a shortened one; `keys` as
  // AttentionObserver has it.
  void Add(int64_t first_query, const at::Tensor& attention);
  void AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention);
  // The same of scores that are to become attention.
  void Add(const SoftmaxArguments& rows);
  void AddShortened(size_t alpha, const SoftmaxArguments& rows);
  // All have come.
  void CheckComplete() const;

 private:
  void Check(const at::Tensor& attention, int64_t first_query, int64_t tokens, int64_t& next);
  void Advance(int64_t heads, int64_t first_query, int64_t queries, int64_t tokens, int64_t& next);

  const AnalysisPlan& plan_;
  int64_t heads_;
  int64_t next_query_ = 0;               // the first that has not come
  std::vector<int64_t> next_shortened_;  // by alpha
};

// The part of a tile of attention that a shortened sequence of `tokens` tokens has in common with the
// whole one: [heads, its queries, up to tokens], a view; undefined where there is none.
at::Tensor PrefixOf(const at::Tensor& attention, int64_t first_query, int64_t tokens);

// A tile with the zeros of the keys that its queries do not see: [heads, queries, tokens], contiguous.
at::Tensor OverAllKeys(const at::Tensor& attention, int64_t tokens);

// Records [heads, Columns(spec).size()] float32 on the figures' device; NaN for heads of which rows are not finite,
// `non_finite` [heads] of them.
at::Tensor MakeRecords(const Spec& spec, const Figures& figures, const at::Tensor& non_finite);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TILES_H_
