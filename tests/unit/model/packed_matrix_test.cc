// Packed products against LibTorch's, and each row against itself in other company.
#include "worker/engine/model/packed_matrix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "worker/engine/model/activations.h"
#include "worker/engine/model/large_memory.h"

namespace ondelette::engine {
namespace {

std::shared_ptr<const PackedMatrix> Pack(const at::Tensor& weight) {
  auto packed = PackedMatrix::Make(
      weight.size(0), weight.size(1), [&](int64_t first, int64_t count, float* into) {
        const at::Tensor rows = weight.narrow(0, first, count).contiguous();
        std::copy_n(rows.data_ptr<float>(), rows.numel(), into);
        return absl::OkStatus();
      });
  EXPECT_TRUE(packed.ok()) << packed.status();
  return packed.value_or(nullptr);
}

at::Tensor Product(const PackedMatrix& matrix, const at::Tensor& x, const at::Tensor& bias,
                   std::optional<Activation> activation) {
  at::Tensor out = at::empty({x.size(0), matrix.out()});
  matrix.Product(x, bias, activation, out);
  return out;
}

class PackedMatrixTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PackedMatrix::Available()) GTEST_SKIP() << "this build has no oneDNN";
    at::manual_seed(1);
  }
};

// Widths around the blocks that oneDNN lays weights out in, and around the slices they are packed in.
TEST_F(PackedMatrixTest, AgreesWithLibTorch) {
  for (int64_t out : {1, 7, 64, 100, 191, 192, 193, 385, 400}) {
    for (int64_t in : {1, 15, 16, 33, 130}) {
      SCOPED_TRACE(::testing::Message() << out << " x " << in);
      const at::Tensor weight = at::randn({out, in}), bias = at::randn({out});
      const at::Tensor x = at::randn({9, in});
      const auto matrix = Pack(weight);
      ASSERT_EQ(matrix->out(), out);
      const at::Tensor none;
      EXPECT_TRUE(at::allclose(Product(*matrix, x, bias, std::nullopt), at::linear(x, weight, bias),
                               1e-4, 1e-4));
      EXPECT_TRUE(
          at::allclose(Product(*matrix, x, none, std::nullopt), at::linear(x, weight), 1e-4, 1e-4));
    }
  }
}

TEST_F(PackedMatrixTest, AppliesEveryActivation) {
  const at::Tensor weight = at::randn({70, 40}), bias = at::randn({70}), x = at::randn({30, 40});
  const auto matrix = Pack(weight);
  for (Activation activation : {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu,
                                Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    const at::Tensor wanted = Activate(activation, at::linear(x, weight, bias));
    EXPECT_LT((Product(*matrix, x, bias, activation) - wanted).abs().max().item<float>(), 1e-5)
        << static_cast<int>(activation);
  }
}

TEST_F(PackedMatrixTest, ARowIsTheSameInEveryCompany) {
  for (int64_t in : {24, 200, 1100}) {
    const auto matrix = Pack(at::randn({140, in}));
    const at::Tensor bias = at::randn({140}), x = at::randn({700, in});
    const at::Tensor all = Product(*matrix, x, bias, Activation::kGelu);
    for (int64_t rows : {1, 2, 17, 64, 112, 333, 512}) {
      const at::Tensor some = x.narrow(0, 40, std::min<int64_t>(rows, 660)).contiguous();
      EXPECT_TRUE(at::equal(Product(*matrix, some, bias, Activation::kGelu),
                            all.narrow(0, 40, some.size(0))))
          << rows << " rows of " << in;
    }
  }
}

TEST_F(PackedMatrixTest, PassesOnWhatReadingSays) {
  auto packed = PackedMatrix::Make(400, 8, [](int64_t first, int64_t, float* into) {
    *into = 0;
    return first == 0 ? absl::OkStatus() : absl::DataLossError("row 192");
  });
  EXPECT_EQ(packed.status(), absl::DataLossError("row 192"));
}

TEST(LargeMemoryTest, IsUsedAgainWhileSomebodyAsksForIt) {
  constexpr size_t kBytes = 3 << 20;
  const LargeMemory::Keep keep;
  void* first = nullptr;
  {
    const LargeMemory memory(kBytes);
    first = memory.data();
  }
  const LargeMemory other(kBytes + 1), same(kBytes), another(kBytes);
  EXPECT_NE(other.data(), first);
  EXPECT_EQ(same.data(), first);
  EXPECT_NE(another.data(), first);
}

}  // namespace
}  // namespace ondelette::engine
