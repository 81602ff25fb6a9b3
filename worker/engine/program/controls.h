// The analytic attention patterns: what every figure would be anyway, without a network.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_CONTROLS_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_CONTROLS_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"

namespace ondelette::engine {

// A[i, j] of n tokens, zero where not said:
//   uniform-causal 1/(i+1) for j <= i; uniform 1/n; sink 1 at j = 0; identity 1 at j = i;
//   previous 1 at j = max(i-1, 0)
std::vector<std::string> ControlNames();

// Their figures under the spec, float32 [patterns, Columns(spec)] in the order of ControlNames(),
// NaN where undefined. Scale figures compare with the pattern's A[:m, :m] whatever the spec's
// sampling says: no pattern depends on which tokens are kept. Errors are AnalysisPlan::Create's.
absl::StatusOr<at::Tensor> MeasureControls(const Spec& spec, at::Device device);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_CONTROLS_H_
