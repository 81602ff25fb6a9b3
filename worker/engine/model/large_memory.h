// Memory of weights' size: it goes back to the system the moment it is freed, or is used again.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LARGE_MEMORY_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LARGE_MEMORY_H_

#include <cstddef>
#include <utility>

namespace ondelette::engine {

// Bytes of any value, in pages of 2 MiB where the system has them and that many are asked for: a
// page fault for each 4 KiB costs as much as filling it. Movable.
class LargeMemory {
 public:
  // While one of these lives, in any thread, what is freed is kept for the next who asks for as many
  // bytes: layers, and checkpoints of one model, are as large as each other, and new memory costs
  // the system more than reading a layer's weights into it.
  class Keep {
   public:
    Keep();
    ~Keep();
    Keep(const Keep&) = delete;
    Keep& operator=(const Keep&) = delete;
  };
  // Gives back what is kept and not in use.
  static void ReleaseKept();

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
