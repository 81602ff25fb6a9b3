// window_entropy_w (table 2): how evenly the received attention lies inside windows of w keys.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_WINDOW_ENTROPY_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_WINDOW_ENTROPY_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/engine/analysis/signals.h"

namespace ondelette::engine {

// [heads]: the mean over the disjoint windows from key 0 of entropy / ln width; what is left over
// at the end is not looked at. NaN for an empty signal and where no window fits.
at::Tensor WindowEntropy(const SignalTile& received, int64_t width);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_WINDOW_ENTROPY_H_
