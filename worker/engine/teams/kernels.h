// The teams' kernels: a row a team, all rows of a tile at once.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_KERNELS_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_KERNELS_H_

#include <cstdint>

#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// Threads of a team that works on so many numbers: enough of them to have something to do in each
// step.
constexpr int TeamSize(int length) { return length <= 256 ? 32 : length <= 1024 ? 128 : 256; }

// On the CPU, one row after the other: the reference for what a GPU does, not the CPU's fast way
// (worker/engine/lanes). The order of every sum is the GPU's.
void RunOnHost(const SpectraArguments& arguments);
void RunOnHost(const WaveletArguments& arguments);
void RunOnHost(const SoftmaxArguments& arguments);
void RunOnHost(const WindowArguments& arguments);

#ifdef ONDELETTE_CUDA
// Bytes of shared memory that a team may have on CUDA device `index`; 0 where it cannot be asked.
int64_t DeviceTeamBytes(int index);
// On the current device and `stream` (a cudaStream_t), without waiting. nullptr, or CUDA's message.
const char* RunOnDevice(const SpectraArguments& arguments, void* stream);
const char* RunOnDevice(const WaveletArguments& arguments, void* stream);
const char* RunOnDevice(const SoftmaxArguments& arguments, void* stream);
const char* RunOnDevice(const WindowArguments& arguments, void* stream);
#endif

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_KERNELS_H_
