// PyTorch's way to lay a tensor into a storage: element (i, j, ...) is at offset + i stride0 + ...
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_STRIDED_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_STRIDED_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ondelette {

struct Strided {
  int64_t offset = 0;  // in elements
  std::vector<int64_t> shape = {};
  std::vector<int64_t> strides = {};  // in elements, one a dimension
};

// Whether every number is sound (as many strides as dimensions, nothing negative, no overflow) and
// every element lies among the `elements` of the storage.
bool LiesWithin(const Strided& layout, int64_t elements);

// Whether the elements follow each other in row-major order. Needs LiesWithin.
bool IsContiguous(const Strided& layout);

// Copies the elements in row-major order, `element` bytes each. Needs LiesWithin and an `out` of
// exactly that many bytes.
void CopyStrided(const Strided& layout, size_t element, std::span<const std::byte> storage,
                 std::span<std::byte> out);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_STRIDED_H_
