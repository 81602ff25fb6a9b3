// A named tensor that lies in a mapped file, and what its bytes mean.
//
// All types here are values. A TensorView owns its shape and points to everything else: name, file
// and bytes live as long as the Checkpoint (or WeightFile) that gave the view.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_TENSOR_VIEW_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_TENSOR_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ondelette {

// Element types, by their safetensors names. Bytes are little-endian.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

absl::string_view DTypeName(DType dtype);                     // "F32"
std::optional<DType> DTypeFromName(absl::string_view name);   // from "F32"
std::optional<DType> DTypeFromTorch(absl::string_view name);  // from "float32", "bfloat16", ...
int64_t DTypeSize(DType dtype);                               // bytes an element

// No tensor of a transformer has more dimensions, and no file more tensors.
inline constexpr size_t kMaxDimensions = 8;
inline constexpr size_t kMaxTensors = 1 << 18;

struct TensorView {
  absl::string_view name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;        // outermost first; {} is a scalar
  std::span<const std::byte> bytes;  // row-major, exactly elements x size; may be unaligned
  absl::string_view file;            // where it was found, for messages
};

// The product of `shape`; nullopt where a dimension is negative or the product does not fit.
std::optional<int64_t> ElementCount(std::span<const int64_t> shape);
// Elements x DTypeSize; nullopt like ElementCount.
std::optional<int64_t> ByteCount(DType dtype, std::span<const int64_t> shape);

std::string ShapeText(std::span<const int64_t> shape);  // "[2, 3]"

// A name out of a file, made fit for a message: quoted, escaped, cut at 200 bytes.
std::string Quoted(absl::string_view name);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_TENSOR_VIEW_H_
