#include "worker/engine/checkpoint/strided.h"

#include <algorithm>
#include <cstring>

namespace ondelette {

bool LiesWithin(const Strided& layout, int64_t elements) {
  if (layout.strides.size() != layout.shape.size() || layout.offset < 0 ||
      layout.offset > elements) {
    return false;
  }
  int64_t last = layout.offset;
  bool empty = false;
  for (size_t i = 0; i < layout.shape.size(); ++i) {
    if (layout.shape[i] < 0 || layout.strides[i] < 0) return false;
    if (layout.shape[i] == 0) {
      empty = true;
      continue;
    }
    int64_t reach = 0;
    if (__builtin_mul_overflow(layout.shape[i] - 1, layout.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return empty || last < elements;
}

bool IsContiguous(const Strided& layout) {
  int64_t expected = 1;
  for (size_t i = layout.shape.size(); i-- > 0;) {
    // The stride of a dimension of one element is never used, and torch writes any number there.
    if (layout.shape[i] == 1) continue;
    if (layout.strides[i] != expected) return false;
    expected *= layout.shape[i];
  }
  return true;
}

void CopyStrided(const Strided& layout, size_t element, std::span<const std::byte> storage,
                 std::span<std::byte> out) {
  std::vector<int64_t> index(layout.shape.size(), 0);
  int64_t source = layout.offset;
  for (size_t done = 0; done < out.size(); done += element) {
    std::memcpy(&out[done], &storage[static_cast<size_t>(source) * element], element);
    for (size_t i = index.size(); i-- > 0;) {
      if (layout.shape[i] == 1) continue;  // its stride may be any number
      source += layout.strides[i];
      if (++index[i] < layout.shape[i]) break;
      source -= layout.strides[i] * layout.shape[i];
      index[i] = 0;
    }
  }
}

}  // namespace ondelette
