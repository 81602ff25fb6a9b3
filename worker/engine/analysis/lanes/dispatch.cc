// Which of the compiled kernels this processor runs.
#include <algorithm>

#include "worker/engine/analysis/lanes/spectral_kernel.h"
#include "worker/engine/analysis/lanes/wavelet_kernel.h"

namespace ondelette::engine {

#define ONDELETTE_KERNELS(set)                                                               \
  namespace set {                                                                            \
  void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count, \
                     float* scratch, SpectralFigures& figures, SpectralFigures& twins);      \
  void WaveletBlock(const WaveletTable& table, const SignalSource* sources, int64_t count,   \
                    float* scratch, WaveletOutputs& outputs);                                \
  }
ONDELETTE_KERNELS(lanes_base)
#ifdef __x86_64__
ONDELETTE_KERNELS(lanes_avx2)
ONDELETTE_KERNELS(lanes_avx512)
#endif

namespace {

struct Kernels {
  decltype(&lanes_base::SpectralBlock) spectral;
  decltype(&lanes_base::WaveletBlock) wavelet;
};

const Kernels& Chosen() {
  static const Kernels kernels = []() -> Kernels {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
      return {lanes_avx512::SpectralBlock, lanes_avx512::WaveletBlock};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      return {lanes_avx2::SpectralBlock, lanes_avx2::WaveletBlock};
    }
#endif
    return {lanes_base::SpectralBlock, lanes_base::WaveletBlock};
  }();
  return kernels;
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
  Chosen().spectral(table, sources, count, scratch, figures, twins);
}

int64_t WaveletScratch(const WaveletTable& table) {
  return 3 * WaveletLanes(table) * kBlockSignals;  // lanes of float64, and lanes of float32
}

void WaveletBlock(const WaveletTable& table, const SignalSource* sources, int64_t count,
                  float* scratch, WaveletOutputs& outputs) {
  Chosen().wavelet(table, sources, count, scratch, outputs);
}

}  // namespace ondelette::engine
