#include "worker/engine/checkpoint/widen.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

constexpr uint32_t kExponent = 0x7f800000;  // all ones: infinite or NaN

// Each turns one stored element into the bits of a float32, NaN and infinity into either of them.
struct FromF32 {
  using Stored = uint32_t;
  static uint32_t Bits(Stored stored) { return stored; }
};

struct FromBF16 {
  using Stored = uint16_t;
  static uint32_t Bits(Stored stored) { return uint32_t{stored} << 16; }
};

struct FromF64 {
  using Stored = uint64_t;
  static uint32_t Bits(Stored stored) {
    return std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(stored)));
  }
};

struct FromF16 {
  using Stored = uint16_t;
  // Without a branch and without subnormal floats, which are slow, or zero where the processor is
  // told to flush them: a subnormal half is (2^-14 + itself) - 2^-14.
  static uint32_t Bits(Stored stored) {
    constexpr uint32_t kRebias = uint32_t{127 - 15} << 23;
    constexpr uint32_t kHalfExponent = uint32_t{0x1f} << 23;
    constexpr uint32_t kSmallest = uint32_t{127 - 14} << 23;  // 2^-14
    uint32_t sign = uint32_t{stored & 0x8000u} << 16;
    uint32_t magnitude = uint32_t{stored & 0x7fffu} << 13;
    uint32_t exponent = magnitude & kHalfExponent;
    uint32_t normal = magnitude + kRebias;
    uint32_t special = magnitude | kExponent;
    uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude | kSmallest) -
                                                 std::bit_cast<float>(kSmallest));
    uint32_t bits = exponent == 0 ? subnormal : normal;
    bits = exponent == kHalfExponent ? special : bits;
    return sign | bits;
  }
};

absl::Status NotFinite(const TensorView& tensor, size_t index) {
  return MakeError(
      absl::StatusCode::kDataLoss, "CHECKPOINT_NOT_FINITE",
      absl::StrCat(tensor.file, ": tensor ", Quoted(tensor.name), " of ", DTypeName(tensor.dtype),
                   " has a NaN, an infinity or a value beyond float32 at element ", index),
      "the checkpoint diverged or is damaged: leave it out or fetch it again");
}

// A chunk stays in the first-level cache, and its constant size lets the compiler vectorise.
constexpr size_t kChunk = 1024;

// Converts a chunk; whether all of it is finite.
template <typename From>
[[gnu::always_inline]] inline bool Convert(const typename From::Stored* __restrict__ stored,
                                           uint32_t* __restrict__ bits) {
  uint32_t bad = 0;
  for (size_t i = 0; i < kChunk; ++i) {
    bits[i] = From::Bits(stored[i]);
    bad |= (bits[i] & kExponent) == kExponent ? 1u : 0u;
  }
  return bad == 0;
}

// The same for the processor at hand: with AVX-512 three times as fast as for any.
#define ONDELETTE_WIDEST [[gnu::target_clones("avx512f", "avx2", "default")]]
ONDELETTE_WIDEST bool Convert(FromF32, const uint32_t* stored, uint32_t* bits) {
  return Convert<FromF32>(stored, bits);
}
ONDELETTE_WIDEST bool Convert(FromF16, const uint16_t* stored, uint32_t* bits) {
  return Convert<FromF16>(stored, bits);
}
ONDELETTE_WIDEST bool Convert(FromBF16, const uint16_t* stored, uint32_t* bits) {
  return Convert<FromBF16>(stored, bits);
}
ONDELETTE_WIDEST bool Convert(FromF64, const uint64_t* stored, uint32_t* bits) {
  return Convert<FromF64>(stored, bits);
}
#undef ONDELETTE_WIDEST

// Into `out`, or, where that is nullptr, nowhere: every element is looked at all the same.
template <typename From>
absl::Status Widen(const TensorView& tensor, float* out) {
  using Stored = typename From::Stored;
  const size_t elements = tensor.bytes.size() / sizeof(Stored);
  for (size_t begin = 0; begin < elements; begin += kChunk) {
    size_t count = std::min(kChunk, elements - begin);
    Stored stored[kChunk];
    uint32_t bits[kChunk];
    std::memset(stored + count, 0, (kChunk - count) * sizeof(Stored));
    // memcpy, because tensors need not be aligned in their files.
    std::memcpy(stored, tensor.bytes.data() + begin * sizeof(Stored), count * sizeof(Stored));
    if (!Convert(From(), stored, bits)) {
      const uint32_t* first = std::find_if(
          bits, bits + count, [](uint32_t one) { return (one & kExponent) == kExponent; });
      return NotFinite(tensor, begin + static_cast<size_t>(first - bits));
    }
    if (out != nullptr) std::memcpy(out + begin, bits, count * sizeof(float));
  }
  return absl::OkStatus();
}

absl::Status WidenAny(const TensorView& tensor, float* out) {
  switch (tensor.dtype) {
    case DType::kF32:
      return Widen<FromF32>(tensor, out);
    case DType::kF16:
      return Widen<FromF16>(tensor, out);
    case DType::kBF16:
      return Widen<FromBF16>(tensor, out);
    case DType::kF64:
      return Widen<FromF64>(tensor, out);
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "CHECKPOINT_DTYPE",
                       absl::StrCat(tensor.file, ": tensor ", Quoted(tensor.name), " is of ",
                                    DTypeName(tensor.dtype), ": weights are F32, F16, BF16 or F64"),
                       "quantised checkpoints are not read: use the original one");
  }
}

}  // namespace

absl::Status WidenToFloat(const TensorView& tensor, std::span<float> out) {
  if (tensor.bytes.size() != out.size() * static_cast<size_t>(DTypeSize(tensor.dtype))) {
    return absl::InternalError(absl::StrCat(tensor.file, ": tensor ", Quoted(tensor.name), " of ",
                                            tensor.bytes.size(), " bytes widened into ", out.size(),
                                            " floats"));
  }
  return WidenAny(tensor, out.data());
}

absl::Status CheckFinite(const TensorView& tensor) { return WidenAny(tensor, nullptr); }

}  // namespace ondelette
