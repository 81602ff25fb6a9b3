#include "worker/engine/checkpoint/tensor_view.h"

#include <array>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ondelette {
namespace {

struct DTypeRow {
  absl::string_view name;
  absl::string_view torch;
  int64_t size;
};

// In the order of DType.
constexpr std::array<DTypeRow, 13> kDTypes{{{"F64", "float64", 8},
                                            {"F32", "float32", 4},
                                            {"F16", "float16", 2},
                                            {"BF16", "bfloat16", 2},
                                            {"I64", "int64", 8},
                                            {"I32", "int32", 4},
                                            {"I16", "int16", 2},
                                            {"I8", "int8", 1},
                                            {"U64", "uint64", 8},
                                            {"U32", "uint32", 4},
                                            {"U16", "uint16", 2},
                                            {"U8", "uint8", 1},
                                            {"BOOL", "bool", 1}}};

std::optional<DType> Where(absl::string_view DTypeRow::*column, absl::string_view name) {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (kDTypes[i].*column == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

}  // namespace

absl::string_view DTypeName(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }
int64_t DTypeSize(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }
std::optional<DType> DTypeFromName(absl::string_view name) { return Where(&DTypeRow::name, name); }
std::optional<DType> DTypeFromTorch(absl::string_view name) {
  return Where(&DTypeRow::torch, name);
}

std::optional<int64_t> ElementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  }
  return count;
}

std::optional<int64_t> ByteCount(DType dtype, std::span<const int64_t> shape) {
  std::optional<int64_t> count = ElementCount(shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, DTypeSize(dtype), &bytes)) return std::nullopt;
  return bytes;
}

std::string ShapeText(std::span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

std::string Quoted(absl::string_view name) {
  constexpr size_t kLongest = 200;
  return absl::StrCat("'", absl::CHexEscape(name.substr(0, kLongest)),
                      name.size() > kLongest ? "..." : "", "'");
}

}  // namespace ondelette
