// From a block of attention to the signals that a spec looks at, with what is known of them before
// any transform.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SIGNALS_H_

#include <cstdint>

#include "common/spec/spec.h"
#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/lanes/lane_buffer.h"
#include "worker/engine/lanes/signal_kernel.h"
#include "worker/engine/lanes/spectral_kernel.h"

namespace ondelette::engine {

// Up to sixteen signals x[t] scale, t < length, a lane each. A value; x is somebody else's.
struct LaneSignals {
  const float* x;  // [length][kLaneCount]
  int64_t length;
  // x[t] is zero in every lane from here on.
  int64_t end_seen;
  // Lane 0's index among the signals of its matrix: its row, or its query - T. Below 0 where the
  // first lanes are no signals.
  int64_t first;
  SignalMeasures measures;       // of x
  float scale[kLaneCount];       // 1, or 1 / mass where the signal is renormalised
  float present[kLaneCount];     // 1: the lane is a signal
  float filled[kLaneCount];      // 1: and not empty
  float positional[kLaneCount];  // -sum x scale ln(x scale)

  // The mean of what the signal is.
  void Mean(float* mean) const;
  // For AddSpectra; `detrended`: less its mean.
  SpectralInput Spectral(bool detrended) const;
};

// The block's rows less their key 0, which both kinds of rows have in common.
SignalMeasures MeasureWithoutSink(const LaneBlock& block);

// The block's rows: all keys; or without key 0 and query 0, renormalised.
LaneSignals RowsOf(const LaneBlock& block, Sink sink, const SignalMeasures& without_sink);

// Windows [window][kLaneCount] that begin at query `first_query`, renormalised; lanes whose query is
// below `window` or not among the block's are no signals.
LaneSignals WindowsOf(const LaneBlock& block, int64_t window, const float* x);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SIGNALS_H_
