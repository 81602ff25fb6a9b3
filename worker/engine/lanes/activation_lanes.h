// Activations of sixteen numbers at once. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_ACTIVATION_LANES_H_
#define ONDELETTE_WORKER_ENGINE_LANES_ACTIVATION_LANES_H_

#include "worker/engine/lanes/lane_activation.h"
#include "worker/engine/lanes/lanes.h"

namespace ondelette::engine {
namespace {

// To within 1.5e-7 (Abramowitz and Stegun, 7.1.26).
inline Lanes Erf(Lanes x) {
  const Lanes size = Max(x, -x);
  const Lanes t = 1.0f / (size * 0.3275911f + 1.0f);
  Lanes p = Splat(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Lanes near = 1.0f - p * t * Exp(-(size * size));
  return Select(x < 0.0f, -near, near);
}

inline Lanes Sigmoid(Lanes x) { return 1.0f / (Exp(-x) + 1.0f); }

inline Lanes Activated(LaneActivation activation, Lanes x) {
  switch (activation) {
    case LaneActivation::kNone:
      return x;
    case LaneActivation::kGelu:
      return x * 0.5f * (Erf(x * 0.70710678118654752f) + 1.0f);
    case LaneActivation::kGeluTanh:
      return x * 0.5f * (Tanh((x * x * x * 0.044715f + x) * 0.79788456080286536f) + 1.0f);
    case LaneActivation::kQuickGelu:
      return x * Sigmoid(x * 1.702f);
    case LaneActivation::kRelu:
      return Select(x < 0.0f, Lanes{}, x);
    case LaneActivation::kSilu:
      return x * Sigmoid(x);
    case LaneActivation::kTanh:
      return Tanh(x);
  }
  __builtin_unreachable();
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_ACTIVATION_LANES_H_
