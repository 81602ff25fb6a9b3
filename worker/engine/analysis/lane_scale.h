// Scale figures of one head from blocks of lanes: what scale.h has, for the CPU's kernels.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SCALE_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SCALE_H_

#include <cstddef>
#include <memory>

#include "worker/engine/analysis/lane_plan.h"
#include "worker/engine/analysis/lane_signals.h"

namespace ondelette::engine {

// Blocks of the whole matrix, and of each shortened one, come in the order of their queries; those of
// a shortened matrix that is read off the whole one right behind the whole one's. Shortened matrices
// with attention of their own may come at the same time on other threads.
class LaneScale {
 public:
  virtual ~LaneScale() = default;
  // `coefficients` of the signals as they are, as TransformWavelets leaves them.
  virtual void AddWhole(const LaneSignals& signals, const float* coefficients) = 0;
  virtual void AddShortened(size_t alpha, const LaneSignals& signals) = 0;
  // After the last block; NaN where undefined.
  virtual double Finish(size_t alpha) = 0;
};

// `plan` must outlive it.
std::unique_ptr<LaneScale> MakeLaneScale(const LanePlan& plan);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SCALE_H_
