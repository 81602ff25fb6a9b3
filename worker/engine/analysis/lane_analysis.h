// One layer of one sequence from lanes of attention, by the CPU's kernels.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_ANALYSIS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_ANALYSIS_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "worker/engine/analysis/head_lanes.h"
#include "worker/engine/analysis/lane_plan.h"
#include "worker/engine/lanes/lane_block.h"

namespace ondelette::engine {

// As LayerAnalyzer has it. `plan` must outlive it.
class LaneAnalysis {
 public:
  LaneAnalysis(const LanePlan& plan, int64_t heads);

  void Add(const LaneBlock& block);
  void AddShortened(size_t alpha, const LaneBlock& block);
  at::Tensor Finish();

 private:
  // A head, and where its blocks stand.
  struct Head {
    HeadLanes lanes;
    int64_t next_query;                   // the first that has not come
    std::vector<int64_t> next_shortened;  // by alpha
  };
  Head& Check(const LaneBlock& block, int64_t tokens);
  void CheckComplete(const Head& head) const;
  at::Tensor WindowEntropies(int width) const;

  const LanePlan& plan_;
  std::vector<Head> heads_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_ANALYSIS_H_
