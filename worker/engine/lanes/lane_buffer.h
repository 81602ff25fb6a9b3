// Work space of kernels.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_BUFFER_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_BUFFER_H_

#include <cstdint>
#include <memory>
#include <new>

namespace ondelette::engine {

// Floats aligned to 64 bytes, kept and only grown, so that a thread's buffers are made once. What
// is in them after growing is undefined. std::bad_alloc where memory runs out. Not thread-safe.
class LaneBuffer {
 public:
  float* AtLeast(int64_t floats) {
    if (floats > size_) {
      data_.reset();
      data_.reset(new (std::align_val_t{64}) float[static_cast<size_t>(floats)]);
      size_ = floats;
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete[](data, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> data_;
  int64_t size_ = 0;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANE_BUFFER_H_
