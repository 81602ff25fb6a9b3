// Which of the compiled kernels this processor runs, and how much work space they need.
#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>

#include "worker/engine/lanes/bfloat16_product.h"
#include "worker/engine/lanes/kernels.h"

namespace ondelette::engine {

namespace lanes_base {
extern const LaneKernels kKernels;
}
#ifdef __x86_64__
namespace lanes_avx2 {
extern const LaneKernels kKernels;
}
namespace lanes_avx512 {
extern const LaneKernels kKernels;
}
namespace lanes_amx {
extern const LaneKernels kKernels;
}

namespace {

// Tile registers and their products of bfloat16, which the system gives to processes that ask.
bool HasBfloat16Tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  const bool tiles = (d >> 24 & 1) != 0 && (d >> 22 & 1) != 0;
  constexpr int64_t kRequestPermission = 0x1023, kTileData = 18;  // asm/prctl.h
  return tiles && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace
#endif

int64_t Bfloat16Numbers(int64_t out, int64_t in, int pieces) {
  const int64_t panels = (out + kPanelOutputs - 1) / kPanelOutputs, depths = (in + 31) / 32;
  return panels * depths * pieces * kPanelOutputs * 32;
}

const std::vector<LaneKernels>& RunnableKernels() {
  static const std::vector<LaneKernels> kernels = [] {
    std::vector<LaneKernels> runnable{lanes_base::kKernels};
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      runnable.push_back(lanes_avx2::kKernels);
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
      runnable.push_back(lanes_avx512::kKernels);
      if (HasBfloat16Tiles()) runnable.push_back(lanes_amx::kKernels);
    }
#endif
    return runnable;
  }();
  return kernels;
}

const LaneKernels& Kernels() {
  static const LaneKernels& fastest = RunnableKernels().back();
  return fastest;
}

int64_t SpectralScratch(const SpectralTable& table) {
  // Complex lanes: two buffers, one of which also takes both powers, and a pass's room.
  return (2 * (table.plan.length + 2) + table.plan.room) * 2 * kLaneCount;
}

int64_t WaveletScratch(const WaveletTable& table) {
  return (3 * (table.length + 8) + table.coefficients) * kLaneCount;
}

}  // namespace ondelette::engine
