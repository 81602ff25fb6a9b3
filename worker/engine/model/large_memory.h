// Memory of weights' size, which goes back to the system the moment it is freed.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LARGE_MEMORY_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LARGE_MEMORY_H_

#include <cstddef>
#include <utility>

namespace ondelette::engine {

// Zeroed bytes of the process's own, in pages of 2 MiB where the system has them and that many are
// asked for: a page fault for each 4 KiB costs as much as filling it. Movable.
class LargeMemory {
 public:
  LargeMemory() = default;
  // Throws std::bad_alloc where there is no memory.
  explicit LargeMemory(size_t bytes);
  ~LargeMemory();
  LargeMemory(LargeMemory&& other) noexcept { *this = std::move(other); }
  LargeMemory& operator=(LargeMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_LARGE_MEMORY_H_
