// Batched power spectra of real signals: one interface, one implementation a kind of device.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRUM_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRUM_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

namespace ondelette::engine {

// Transforms of one length. Thread-safe.
class Spectrum {
 public:
  virtual ~Spectrum() = default;

  // signals [batch, points] float64, contiguous, on the device -> |DFT|^2, [batch, points / 2 + 1]
  // float64.
  virtual at::Tensor Power(const at::Tensor& signals) const = 0;
};

// LibTorch's FFT.
std::unique_ptr<Spectrum> MakeCpuSpectrum(int64_t points);

#ifdef ONDELETTE_CUDA
// cuFFT, double real to complex, batched, on the current stream; plans are kept per batch size.
std::unique_ptr<Spectrum> MakeCudaSpectrum(int64_t points, at::Device device);
#endif

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRUM_H_
