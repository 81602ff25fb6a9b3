#include "worker/engine/torch/run_teams.h"

#ifdef ONDELETTE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace ondelette::engine {
namespace {

template <typename Arguments>
void Run(const Arguments& arguments, [[maybe_unused]] at::Device device) {
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    const char* error = RunOnDevice(arguments, c10::cuda::getCurrentCUDAStream().stream());
    TORCH_CHECK(error == nullptr, "CUDA error: ", error);
    return;
  }
#endif
  RunOnHost(arguments);
}

}  // namespace

int64_t TeamBytes([[maybe_unused]] at::Device device) {
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) return DeviceTeamBytes(device.index());
#endif
  return 226 << 10;
}

void RunTeams(const SpectraArguments& arguments, at::Device device) { Run(arguments, device); }
void RunTeams(const WaveletArguments& arguments, at::Device device) { Run(arguments, device); }
void RunTeams(const SoftmaxArguments& arguments, at::Device device) { Run(arguments, device); }
void RunTeams(const WindowArguments& arguments, at::Device device) { Run(arguments, device); }

}  // namespace ondelette::engine
