#include "worker/engine/model/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>

namespace ondelette::engine {
namespace {

struct Kept {
  std::mutex mutex;
  int keepers = 0;
  std::multimap<size_t, void*> blocks;  // by bytes

  void* Take(size_t bytes) {
    std::lock_guard lock(mutex);
    auto found = blocks.find(bytes);
    if (found == blocks.end()) return nullptr;
    void* data = found->second;
    blocks.erase(found);
    return data;
  }
  // Whether it is kept.
  bool Put(void* data, size_t bytes) {
    std::lock_guard lock(mutex);
    if (keepers == 0) return false;
    blocks.emplace(bytes, data);
    return true;
  }
  void Release() {
    for (auto [bytes, data] : blocks) munmap(data, bytes);
    blocks.clear();
  }
};

// Lives as long as the process: weights may be freed at its end.
Kept& TheKept() {
  static auto* kept = new Kept;
  return *kept;
}

void* Map(size_t bytes) {
  constexpr size_t kHugePage = 2 << 20;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  // Advice: where it is not taken, pages are small.
  if (bytes >= kHugePage) madvise(mapped, bytes, MADV_HUGEPAGE);
  return mapped;
}

}  // namespace

LargeMemory::Keep::Keep() {
  Kept& kept = TheKept();
  std::lock_guard lock(kept.mutex);
  ++kept.keepers;
}

LargeMemory::Keep::~Keep() {
  Kept& kept = TheKept();
  std::lock_guard lock(kept.mutex);
  if (--kept.keepers == 0) kept.Release();
}

void LargeMemory::ReleaseKept() {
  Kept& kept = TheKept();
  std::lock_guard lock(kept.mutex);
  kept.Release();
}

LargeMemory::LargeMemory(size_t bytes) : bytes_(std::max<size_t>(bytes, 1)) {
  data_ = TheKept().Take(bytes_);
  if (data_ == nullptr) data_ = Map(bytes_);
}

LargeMemory::~LargeMemory() {
  if (data_ != nullptr && !TheKept().Put(data_, bytes_)) munmap(data_, bytes_);
}

}  // namespace ondelette::engine
