// cuFFT. A plan belongs to one batch size; the analyzer uses few (a full tile's, the last tile's,
// one signal a head), so that plans are kept. Their work space comes from LibTorch's allocator,
// call by call: it is shared with everything else on the device and safe between streams.
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cufft.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "worker/engine/analysis/spectrum.h"

namespace ondelette::engine {
namespace {

// More batch sizes than the analyzer has; reached only by a caller that keeps changing its tile.
constexpr size_t kMostPlans = 16;

void Check(cufftResult result, const char* call) {
  TORCH_CHECK(result == CUFFT_SUCCESS, "cuFFT's ", call, " answered ", static_cast<int>(result));
}

// A double real-to-complex transform of `batch` signals of `points`, side by side.
class Plan {
 public:
  Plan(int64_t points, int64_t batch) {
    Check(cufftCreate(&handle_), "cufftCreate");
    try {
      Check(cufftSetAutoAllocation(handle_, 0), "cufftSetAutoAllocation");
      long long length = points;  // NOLINT(google-runtime-int): cuFFT's type
      Check(cufftMakePlanMany64(handle_, 1, &length, nullptr, 1, 0, nullptr, 1, 0, CUFFT_D2Z, batch,
                                &work_bytes_),
            "cufftMakePlanMany64");
    } catch (...) {
      cufftDestroy(handle_);
      throw;
    }
  }
  ~Plan() { cufftDestroy(handle_); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // On the current stream. signals [batch, points] -> [batch, points / 2 + 1] complex.
  void Execute(const at::Tensor& signals, const at::Tensor& out) {
    at::Tensor work = at::empty({std::max<int64_t>(static_cast<int64_t>(work_bytes_), 1)},
                                signals.options().dtype(at::kByte));
    Check(cufftSetStream(handle_, c10::cuda::getCurrentCUDAStream()), "cufftSetStream");
    Check(cufftSetWorkArea(handle_, work.data_ptr()), "cufftSetWorkArea");
    Check(cufftExecD2Z(handle_, static_cast<cufftDoubleReal*>(signals.data_ptr()),
                       static_cast<cufftDoubleComplex*>(out.data_ptr())),
          "cufftExecD2Z");
  }

 private:
  cufftHandle handle_ = 0;
  size_t work_bytes_ = 0;
};

class CudaSpectrum : public Spectrum {
 public:
  CudaSpectrum(int64_t points, at::Device device) : points_(points), device_(device) {}

  at::Tensor Power(const at::Tensor& signals) const override {
    c10::cuda::CUDAGuard guard(device_);
    int64_t batch = signals.size(0);
    at::Tensor parts = at::empty({batch, points_ / 2 + 1, 2}, signals.options());
    if (batch > 0) {
      // cuFFT lets no two threads execute one plan at once.
      std::lock_guard lock(mutex_);
      PlanOf(batch).Execute(signals, parts);
    }
    at::Tensor imaginary = parts.select(-1, 1);
    return parts.select(-1, 0).square().addcmul_(imaginary, imaginary);
  }

 private:
  Plan& PlanOf(int64_t batch) const {
    auto found = plans_.find(batch);
    if (found != plans_.end()) return *found->second;
    if (plans_.size() >= kMostPlans) plans_.clear();
    return *plans_.emplace(batch, std::make_unique<Plan>(points_, batch)).first->second;
  }

  int64_t points_;
  at::Device device_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::unique_ptr<Plan>> plans_;  // by batch; guarded by mutex_
};

}  // namespace

std::unique_ptr<Spectrum> MakeCudaSpectrum(int64_t points, at::Device device) {
  return std::make_unique<CudaSpectrum>(points, device);
}

}  // namespace ondelette::engine
