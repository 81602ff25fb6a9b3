// -sum p ln p.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_ENTROPY_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_ENTROPY_H_

#include <ATen/ATen.h>

namespace ondelette::engine {

// ln p, with ln 0 a large finite number, so that p ln p is 0. The floor also keeps subnormal
// numbers out of the logarithm, where they cost ten times a normal one's time; p ln p below it is
// under 1e-28.
at::Tensor SafeLog(const at::Tensor& p);

// -sum p ln p over the last dimension, 0 ln 0 = 0. p >= 0 need not sum to 1.
at::Tensor Entropy(const at::Tensor& p);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_ENTROPY_H_
