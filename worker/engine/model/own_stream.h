// A thread's own queue of a device's work.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_OWN_STREAM_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_OWN_STREAM_H_

#include <c10/core/Device.h>

#include <memory>

namespace ondelette::engine {

// While it lives, what this thread asks of a CUDA device goes to a stream beside the one that others
// use, so that copies run beside their kernels; its end waits until all of that is done. One thread at
// a time. On CPUs it does nothing. LibTorch's exceptions pass through the constructor.
class OwnStream {
 public:
  explicit OwnStream(c10::Device device);
  ~OwnStream();
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_OWN_STREAM_H_
