#include <cuda_runtime_api.h>

#include "worker/engine/teams/device_team.h"
#include "worker/engine/teams/kernels.h"
#include "worker/engine/teams/team_spectra.h"
#include "worker/engine/teams/team_wavelets.h"

namespace ondelette::engine {
namespace {

extern __shared__ __align__(16) char shared_memory[];

// Block b is row b / heads of head b % heads: blocks that run at once read the same permutations.
template <int size>
__global__ void __launch_bounds__(size)
    SpectraKernel(const __grid_constant__ SpectraArguments arguments) {
  const DeviceTeam<size> team(shared_memory);
  const int heads = arguments.tile.heads;
  TeamSpectra(team, arguments, blockIdx.x % heads, blockIdx.x / heads,
              shared_memory + DeviceTeam<size>::kBytes);
}

template <int size>
__global__ void __launch_bounds__(size)
    WaveletsKernel(const __grid_constant__ WaveletArguments arguments) {
  const DeviceTeam<size> team(shared_memory);
  const int heads = arguments.tile.heads;
  TeamWavelets(team, arguments, blockIdx.x % heads, blockIdx.x / heads,
               shared_memory + DeviceTeam<size>::kBytes);
}

template <int size, typename Arguments>
const char* Launch(void (*kernel)(Arguments), const Arguments& arguments, int64_t bytes,
                   void* stream) {
  const int blocks = arguments.tile.heads * arguments.tile.queries;
  if (blocks == 0) return nullptr;
  const auto total = static_cast<size_t>(bytes) + DeviceTeam<size>::kBytes;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(total));
  if (error == cudaSuccess) {
    kernel<<<blocks, size, total, static_cast<cudaStream_t>(stream)>>>(arguments);
    error = cudaGetLastError();
  }
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

const char* SpectraOnDevice(const SpectraArguments& arguments, void* stream) {
  const int64_t bytes = SpectraBytes(arguments);
  switch (TeamSize(SignalLength(arguments.tile))) {
    case 32:
      return Launch<32>(SpectraKernel<32>, arguments, bytes, stream);
    case 128:
      return Launch<128>(SpectraKernel<128>, arguments, bytes, stream);
    default:
      return Launch<256>(SpectraKernel<256>, arguments, bytes, stream);
  }
}

const char* WaveletsOnDevice(const WaveletArguments& arguments, void* stream) {
  const int64_t bytes = WaveletBytes(arguments.wavelet);
  switch (TeamSize(arguments.wavelet.length)) {
    case 32:
      return Launch<32>(WaveletsKernel<32>, arguments, bytes, stream);
    case 128:
      return Launch<128>(WaveletsKernel<128>, arguments, bytes, stream);
    default:
      return Launch<256>(WaveletsKernel<256>, arguments, bytes, stream);
  }
}

}  // namespace ondelette::engine
