#include "worker/engine/analysis/entropy.h"

namespace ondelette::engine {

at::Tensor SafeLog(const at::Tensor& p) { return at::clamp_min(p, 1e-30).log_(); }

at::Tensor Entropy(const at::Tensor& p) { return SafeLog(p).mul_(p).sum(-1).neg_(); }

}  // namespace ondelette::engine
