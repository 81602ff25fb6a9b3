#include "worker/engine/checkpoint/widen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "common/errors/errors.h"

namespace ondelette {
namespace {

using testing::HasSubstr;

TensorView View(DType dtype, const void* data, size_t count) {
  TensorView view;
  view.name = "layer.weight";
  view.file = "model.safetensors";
  view.dtype = dtype;
  view.shape = {static_cast<int64_t>(count)};
  view.bytes =
      std::span(static_cast<const std::byte*>(data), count * static_cast<size_t>(DTypeSize(dtype)));
  return view;
}

// The value of a half by its definition (IEEE 754 binary16).
float HalfValue(uint16_t half) {
  int exponent = (half >> 10) & 31;
  int mantissa = half & 1023;
  float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                  : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(Widen, EveryFiniteHalfIsExactAndEveryOtherIsRefused) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    uint16_t half = static_cast<uint16_t>(bits);
    float value = 0;
    absl::Status status = WidenToFloat(View(DType::kF16, &half, 1), std::span(&value, 1));
    bool finite = ((half >> 10) & 31) != 31;
    ASSERT_EQ(status.ok(), finite) << bits;
    if (finite) {
      ASSERT_EQ(value, HalfValue(half)) << bits;
      ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0) << bits;
    }
  }
}

TEST(Widen, BFloat16IsTheUpperHalfOfAFloat) {
  std::vector<uint16_t> stored{0x3F80, 0xC0A0, 0x0001, 0x7F7F};
  std::vector<float> values(4);
  ASSERT_TRUE(WidenToFloat(View(DType::kBF16, stored.data(), 4), values).ok());
  EXPECT_THAT(values,
              testing::ElementsAre(1.0f, -5.0f, std::ldexp(1.0f, -133), std::ldexp(255.0f, 120)));
}

TEST(Widen, NamesTheFirstElementThatIsNotFinite) {
  for (size_t index : {0u, 1u, 1023u, 1024u, 5000u}) {
    for (float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
      std::vector<float> stored(5001, 1.0f);
      stored[index] = bad;
      stored.back() = bad;
      std::vector<float> values(stored.size());
      absl::Status status = WidenToFloat(View(DType::kF32, stored.data(), stored.size()), values);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
      EXPECT_EQ(ErrorReason(status), "CHECKPOINT_NOT_FINITE");
      EXPECT_THAT(std::string(status.message()),
                  testing::AllOf(HasSubstr("model.safetensors"), HasSubstr("'layer.weight'"),
                                 testing::EndsWith("at element " + std::to_string(index))));
    }
  }
}

TEST(Widen, DoublesAreRoundedAndThoseBeyondFloatRefused) {
  std::vector<double> stored{0.1, 1e-300, -2.0};
  std::vector<float> values(3);
  ASSERT_TRUE(WidenToFloat(View(DType::kF64, stored.data(), 3), values).ok());
  EXPECT_THAT(values, testing::ElementsAre(0.1f, 0.0f, -2.0f));
  stored[1] = 1e300;
  EXPECT_EQ(ErrorReason(WidenToFloat(View(DType::kF64, stored.data(), 3), values)),
            "CHECKPOINT_NOT_FINITE");
}

TEST(Widen, RefusesIntegersAndOtherSizes) {
  std::vector<int32_t> stored{1, 2};
  std::vector<float> values(2);
  EXPECT_EQ(ErrorReason(WidenToFloat(View(DType::kI32, stored.data(), 2), values)),
            "CHECKPOINT_DTYPE");
  EXPECT_EQ(WidenToFloat(View(DType::kF32, stored.data(), 1), values).code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ondelette
