#include "worker/engine/analysis/tapers.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ondelette::engine {

at::Tensor TaperWeights(Taper taper, int64_t length) {
  at::Tensor weights = at::ones({length}, at::kDouble);
  auto* out = weights.data_ptr<double>();
  for (int64_t t = 0; t < length; ++t) {
    double circle = 2 * std::numbers::pi * static_cast<double>(t);
    switch (taper) {
      case Taper::kHannPeriodic:
        out[t] = 0.5 - 0.5 * std::cos(circle / static_cast<double>(length));
        break;
      case Taper::kHannSymmetric:
        out[t] =
            0.5 - 0.5 * std::cos(circle / static_cast<double>(std::max<int64_t>(length - 1, 1)));
        break;
      case Taper::kHannCentred:
        out[t] = 0.5 + 0.5 * std::cos(circle / static_cast<double>(2 * length));
        break;
      case Taper::kNone:
        break;
    }
  }
  return weights;
}

}  // namespace ondelette::engine
