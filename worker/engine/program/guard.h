// The edge where LibTorch's exceptions become statuses.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_GUARD_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_GUARD_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace ondelette::engine {

// Runs `work` with gradients off and returns its status, or, where it throws:
//   RESOURCE_EXHAUSTED ENGINE_OUT_OF_MEMORY  host or device memory ran out
//   UNAVAILABLE CUDA_FAILED                  a CUDA call failed: no later one in this process can
//   be
//                                            trusted (DeviceLost)
//   INTERNAL ENGINE_FAULT                    anything else
absl::Status Guard(absl::FunctionRef<absl::Status()> work);

// Whether the process has to end after this status.
bool DeviceLost(const absl::Status& status);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_GUARD_H_
