#include "worker/engine/model/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace ondelette::engine {

LargeMemory::LargeMemory(size_t bytes) : bytes_(std::max<size_t>(bytes, 1)) {
  constexpr size_t kHugePage = 2 << 20;
  void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = mapped;
  // Advice: where it is not taken, pages are small.
  if (bytes_ >= kHugePage) madvise(data_, bytes_, MADV_HUGEPAGE);
}

LargeMemory::~LargeMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace ondelette::engine
