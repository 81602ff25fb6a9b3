// The teams' kernels where LibTorch's tensors are.
#ifndef ONDELETTE_WORKER_ENGINE_TORCH_RUN_TEAMS_H_
#define ONDELETTE_WORKER_ENGINE_TORCH_RUN_TEAMS_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/engine/teams/kernels.h"

namespace ondelette::engine {

// Bytes of memory that a team's threads may share on the device; on a CPU as many as on an H100.
int64_t TeamBytes(at::Device device);

// Queued on LibTorch's current stream of the device; done on return on a CPU. Throws c10::Error where
// CUDA cannot start it.
void RunTeams(const SpectraArguments& arguments, at::Device device);
void RunTeams(const WaveletArguments& arguments, at::Device device);
void RunTeams(const SoftmaxArguments& arguments, at::Device device);
void RunTeams(const WindowArguments& arguments, at::Device device);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TORCH_RUN_TEAMS_H_
