#include "worker/engine/model/own_stream.h"

#ifdef ONDELETTE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#endif

namespace ondelette::engine {

#ifdef ONDELETTE_CUDA

namespace {

// The same one each time: LibTorch's allocator uses freed memory again on the stream it was for.
c10::cuda::CUDAStream StreamOf(c10::Device device) {
  static auto* streams = new std::map<c10::DeviceIndex, c10::cuda::CUDAStream>;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  auto found = streams->find(device.index());
  if (found == streams->end()) {
    found = streams
                ->emplace(device.index(),
                          c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()))
                .first;
  }
  return found->second;
}

}  // namespace

struct OwnStream::Stream {
  explicit Stream(c10::Device device) : stream(StreamOf(device)), guard(stream) {}
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
