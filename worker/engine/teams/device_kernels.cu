#include <cuda_runtime_api.h>

#include "worker/engine/teams/device_team.h"
#include "worker/engine/teams/kernels.h"
#include "worker/engine/teams/team_softmax.h"
#include "worker/engine/teams/team_spectra.h"
#include "worker/engine/teams/team_wavelets.h"

namespace ondelette::engine {
namespace {

extern __shared__ __align__(16) char shared_memory[];

// Block b is row b / heads of head b % heads: blocks that run at once read the same permutations.
template <int size, typename Arguments>
__global__ void __launch_bounds__(size)
    Kernel(const __grid_constant__ Arguments arguments, int heads) {
  const DeviceTeam<size> team(shared_memory);
  RunTeam(team, arguments, blockIdx.x % heads, blockIdx.x / heads,
          shared_memory + DeviceTeam<size>::kBytes);
}

template <int size, typename Arguments>
cudaError_t Launch(const Arguments& arguments, const TeamShape& shape, cudaStream_t stream) {
  const auto bytes = static_cast<size_t>(shape.bytes) + DeviceTeam<size>::kBytes;
  const auto kernel = Kernel<size, Arguments>;
  const cudaError_t error = cudaFuncSetAttribute(
      kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (error != cudaSuccess) return error;
  kernel<<<shape.heads * shape.rows, size, bytes, stream>>>(arguments, shape.heads);
  return cudaGetLastError();
}

template <typename Arguments>
const char* Run(const Arguments& arguments, void* stream) {
  const TeamShape shape = ShapeOf(arguments);
  if (shape.heads * shape.rows == 0) return nullptr;
  auto* queue = static_cast<cudaStream_t>(stream);
  const int size = TeamSize(shape.length);
  const cudaError_t error = size == 32    ? Launch<32>(arguments, shape, queue)
                            : size == 128 ? Launch<128>(arguments, shape, queue)
                                          : Launch<256>(arguments, shape, queue);
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

int64_t DeviceTeamBytes(int index) {
  int bytes = 0;
  if (cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, index) !=
      cudaSuccess) {
    return 0;
  }
  return bytes - DeviceTeam<256>::kBytes;
}

const char* RunOnDevice(const SpectraArguments& arguments, void* stream) {
  return Run(arguments, stream);
}
const char* RunOnDevice(const WaveletArguments& arguments, void* stream) {
  return Run(arguments, stream);
}
const char* RunOnDevice(const SoftmaxArguments& arguments, void* stream) {
  return Run(arguments, stream);
}
const char* RunOnDevice(const WindowArguments& arguments, void* stream) {
  return Run(arguments, stream);
}

}  // namespace ondelette::engine
