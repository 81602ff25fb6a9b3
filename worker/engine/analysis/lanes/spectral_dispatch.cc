#include <algorithm>

#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {

#define ONDELETTE_KERNEL(set)                                                                \
  namespace set {                                                                            \
  void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count, \
                     float* scratch, SpectralFigures& figures, SpectralFigures& twins);      \
  }
ONDELETTE_KERNEL(lanes_base)
#ifdef __x86_64__
ONDELETTE_KERNEL(lanes_avx2)
ONDELETTE_KERNEL(lanes_avx512)
#endif

namespace {

using Kernel = decltype(&lanes_base::SpectralBlock);

Kernel Choose() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    return lanes_avx512::SpectralBlock;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return lanes_avx2::SpectralBlock;
  }
#endif
  return lanes_base::SpectralBlock;
}

}  // namespace

int64_t SpectralScratch(const SpectralTable& table) {
  int64_t radix = 0;
  for (const FftPlan::Pass& pass : table.plan.passes) radix = std::max(radix, pass.radix);
  // Complex lanes: two buffers, one of which also takes both powers, and a butterfly.
  return (2 * (table.plan.length + 2) + radix) * 2 * kBlockSignals;
}

void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins) {
  static const Kernel kernel = Choose();
  kernel(table, sources, count, scratch, figures, twins);
}

}  // namespace ondelette::engine
