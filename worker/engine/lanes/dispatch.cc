// Which of the compiled kernels this processor runs, and how much work space they need.
#include <algorithm>

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
#endif

const std::vector<LaneKernels>& RunnableKernels() {
  static const std::vector<LaneKernels> kernels = [] {
    std::vector<LaneKernels> runnable{lanes_base::kKernels};
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      runnable.push_back(lanes_avx2::kKernels);
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
      runnable.push_back(lanes_avx512::kKernels);
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
  int64_t radix = 0;
  for (const FftPlan::Pass& pass : table.plan.passes) radix = std::max(radix, pass.radix);
  // Complex lanes: two buffers, one of which also takes both powers, and a butterfly.
  return (2 * (table.plan.length + 2) + radix) * 2 * kLaneCount;
}

int64_t WaveletScratch(const WaveletTable& table) {
  return (3 * (table.length + 8) + table.coefficients) * kLaneCount;
}

}  // namespace ondelette::engine
