#include "worker/engine/analysis/window_entropy.h"

#include <cmath>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/entropy.h"

namespace ondelette::engine {

at::Tensor WindowEntropy(const SignalTile& received, int64_t width) {
  at::Tensor values = received.values.select(1, 0);
  int64_t windows = values.size(1) / width;
  if (windows == 0) return at::full({values.size(0)}, kUndefined, values.options());
  at::Tensor cut = values.narrow(1, 0, windows * width).reshape({-1, windows, width});
  at::Tensor shares = cut / cut.sum(-1, /*keepdim=*/true).add_(kGuard);
  at::Tensor mean = Entropy(shares).mean(-1).div_(std::log(static_cast<double>(width)));
  return mean.masked_fill(received.filled.select(1, 0).logical_not(), kUndefined);
}

}  // namespace ondelette::engine
