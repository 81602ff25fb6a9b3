#include "worker/engine/model/own_stream.h"

#ifdef ONDELETTE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

namespace ondelette::engine {

#ifdef ONDELETTE_CUDA

struct OwnStream::Stream {
  explicit Stream(c10::Device device)
      : stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())),
        guard(stream) {}
  c10::cuda::CUDAStream stream;
  c10::cuda::CUDAStreamGuard guard;
};

OwnStream::OwnStream(c10::Device device) {
  if (device.is_cuda()) stream_ = std::make_unique<Stream>(device);
}

OwnStream::~OwnStream() {
  // An error stays with the device: whoever uses it next is told.
  if (stream_ != nullptr) cudaStreamSynchronize(stream_->stream.stream());
}

#else

struct OwnStream::Stream {};

OwnStream::OwnStream(c10::Device) {}
OwnStream::~OwnStream() = default;

#endif

}  // namespace ondelette::engine
