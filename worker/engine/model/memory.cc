#include "worker/engine/model/memory.h"

#include <malloc.h>

#ifdef ONDELETTE_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>
#endif

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace ondelette::engine {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

// The number in a file that holds just one; nothing for "max" or no such file.
std::optional<int64_t> NumberIn(const char* path) {
  int64_t number = 0;
  std::ifstream file(path);
  if (file >> number) return number;
  return std::nullopt;
}

int64_t KernelAvailable() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    int64_t kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return kibibytes << 10;
  }
  return kUnknown;
}

// What the control group of a container leaves. Its page cache is counted as free: the kernel drops
// it when memory is asked for.
int64_t ControlGroupAvailable() {
  std::optional<int64_t> limit = NumberIn("/sys/fs/cgroup/memory.max");
  std::optional<int64_t> used = NumberIn("/sys/fs/cgroup/memory.current");
  if (!limit || !used) return kUnknown;
  std::ifstream file("/sys/fs/cgroup/memory.stat");
  std::string word;
  int64_t number = 0, cache = 0;
  while (file >> word >> number) {
    if (word == "inactive_file" || word == "active_file") cache += number;
  }
  return std::max<int64_t>(0, *limit - *used + cache);
}

}  // namespace

int64_t AvailableMemory(c10::Device device) {
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) {
    size_t free = 0, total = 0;
    int before = 0;
    cudaGetDevice(&before);
    cudaSetDevice(device.index());
    const bool known = cudaMemGetInfo(&free, &total) == cudaSuccess;
    cudaSetDevice(before);
    return known ? static_cast<int64_t>(free) : kUnknown;
  }
#endif
  if (!device.is_cpu()) return kUnknown;
  return std::min(KernelAvailable(), ControlGroupAvailable());
}

void ReleaseFreedMemory(c10::Device device) {
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
#endif
  if (device.is_cpu()) malloc_trim(0);
}

}  // namespace ondelette::engine
