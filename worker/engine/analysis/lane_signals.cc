#include "worker/engine/analysis/lane_signals.h"

#include <algorithm>
#include <cmath>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/lanes/kernels.h"

namespace ondelette::engine {
namespace {

// What follows from the measures. Lanes first_present.. end_present - 1 are signals.
void Complete(bool renormalised, int64_t first_present, int64_t end_present, LaneSignals& signals) {
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    const float mass = signals.measures.mass[lane];
    const bool present = lane >= first_present && lane < end_present;
    const bool filled = present && (!renormalised || mass > static_cast<float>(kMinimumMass));
    signals.present[lane] = present ? 1.0F : 0.0F;
    signals.filled[lane] = filled ? 1.0F : 0.0F;
    const bool scaled = renormalised && filled;
    signals.scale[lane] = scaled ? 1 / mass : renormalised ? 0.0F : 1.0F;
    signals.positional[lane] = scaled ? std::log(mass) - signals.measures.log_mass[lane] / mass
                                      : -signals.measures.log_mass[lane];
  }
}

// Adds key 0, which was left out, to the measures of the others.
void AddFirstKey(const float* x, SignalMeasures& measures) {
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    const float value = x[lane];
    measures.mass[lane] += value;
    measures.energy[lane] += value * value;
    if (value > 0) measures.log_mass[lane] += value * std::log(value);
  }
}

}  // namespace

void LaneSignals::Mean(float* mean) const {
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    mean[lane] = measures.mass[lane] * scale[lane] / static_cast<float>(length);
  }
}

SpectralInput LaneSignals::Spectral(bool detrended) const {
  SpectralInput input{x, end_seen, {}, {}, {}, {}};
  if (detrended) Mean(input.mean);
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    input.scale[lane] = scale[lane];
    input.energy[lane] = measures.energy[lane] * scale[lane] * scale[lane];
    input.filled[lane] = filled[lane];
  }
  return input;
}

SignalMeasures MeasureWithoutSink(const LaneBlock& block) {
  SignalMeasures measures;
  const int64_t first = std::max<int64_t>(block.first_seen, 1);
  Kernels().measure_signals(block.values + first * kLaneCount, block.end_seen - first, measures);
  return measures;
}

LaneSignals RowsOf(const LaneBlock& block, Sink sink, const SignalMeasures& without_sink) {
  const int64_t dropped = sink == Sink::kDropped ? 1 : 0;
  LaneSignals signals{};
  signals.x = block.values + dropped * kLaneCount;
  signals.length = block.keys - dropped;
  signals.end_seen = block.end_seen - dropped;
  signals.first = block.first_query - dropped;
  signals.measures = without_sink;
  if (dropped == 0) AddFirstKey(block.values, signals.measures);
  Complete(dropped != 0, signals.first < 0 ? 1 : 0, block.queries, signals);
  return signals;
}

LaneSignals WindowsOf(const LaneBlock& block, int64_t window, const float* x) {
  LaneSignals signals{};
  signals.x = x;
  signals.length = signals.end_seen = window;
  signals.first = block.first_query - window;
  Kernels().measure_signals(x, window, signals.measures);
  Complete(true, std::max<int64_t>(0, -signals.first), block.queries, signals);
  return signals;
}

}  // namespace ondelette::engine
