#include "worker/engine/analysis/spectrum.h"

namespace ondelette::engine {
namespace {

class CpuSpectrum : public Spectrum {
 public:
  at::Tensor Power(const at::Tensor& signals) const override {
    at::Tensor parts = at::view_as_real(at::fft_rfft(signals));
    at::Tensor imaginary = parts.select(-1, 1);
    return parts.select(-1, 0).square().addcmul_(imaginary, imaginary);
  }
};

}  // namespace

// LibTorch keeps no plans on the CPU: the length comes with the signals.
std::unique_ptr<Spectrum> MakeCpuSpectrum(int64_t /*points*/) {
  return std::make_unique<CpuSpectrum>();
}

}  // namespace ondelette::engine
