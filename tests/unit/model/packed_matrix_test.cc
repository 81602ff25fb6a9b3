// Packed products against LibTorch's, and each row against itself in other company.
#include "worker/engine/model/packed_matrix.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "worker/engine/model/activations.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/pieces.h"

namespace ondelette::engine {
namespace {

using Packed = std::shared_ptr<const PackedMatrix>;

Packed Pack(const PackedMatrix::Method& method, const at::Tensor& weight,
            Precision precision = Precision::kFloat32) {
  auto packed = method.make(weight.size(0), weight.size(1), precision,
                            [&](int64_t first, int64_t count, float* into) {
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

class PackedMatrixTest : public ::testing::TestWithParam<PackedMatrix::Method> {
 protected:
  PackedMatrixTest() { at::manual_seed(1); }
  const PackedMatrix::Method& method_ = GetParam();
};

INSTANTIATE_TEST_SUITE_P(Methods, PackedMatrixTest, ::testing::ValuesIn(PackedMatrix::Methods()),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::erase(name, ' ');
                           return name;
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PackedMatrixTest);

// Widths around the blocks that weights are laid out in, and around the slices they are packed in.
TEST_P(PackedMatrixTest, AgreesWithLibTorch) {
  for (int64_t out : {1, 7, 64, 100, 191, 192, 193, 385, 400}) {
    for (int64_t in : {1, 15, 16, 33, 130}) {
      SCOPED_TRACE(::testing::Message() << out << " x " << in);
      const at::Tensor weight = at::randn({out, in}), bias = at::randn({out});
      const at::Tensor x = at::randn({9, in});
      const Packed matrix = Pack(method_, weight);
      ASSERT_EQ(matrix->out(), out);
      const at::Tensor none;
      EXPECT_TRUE(at::allclose(Product(*matrix, x, bias, std::nullopt), at::linear(x, weight, bias),
                               1e-4, 1e-4));
      EXPECT_TRUE(
          at::allclose(Product(*matrix, x, none, std::nullopt), at::linear(x, weight), 1e-4, 1e-4));
    }
  }
}

TEST_P(PackedMatrixTest, AppliesEveryActivation) {
  const at::Tensor weight = at::randn({70, 40}), bias = at::randn({70}), x = at::randn({30, 40});
  const Packed matrix = Pack(method_, weight);
  for (Activation activation : {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu,
                                Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    const at::Tensor wanted = Activate(activation, at::linear(x, weight, bias));
    EXPECT_LT((Product(*matrix, x, bias, activation) - wanted).abs().max().item<float>(), 1e-5)
        << static_cast<int>(activation);
  }
}

TEST_P(PackedMatrixTest, ARowIsTheSameInEveryCompany) {
  for (int64_t in : {24, 200, 1100, 2500}) {
    const Packed matrix = Pack(method_, at::randn({140, in}));
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

// Root mean square of a product's errors, and of LibTorch's, relative to the exact result.
std::pair<double, double> Errors(const PackedMatrix& matrix, const at::Tensor& weight,
                                 const at::Tensor& x) {
  const at::Tensor exact = at::linear(x.to(at::kDouble), weight.to(at::kDouble));
  auto error = [&](const at::Tensor& product) {
    return ((product.to(at::kDouble) - exact).norm() / exact.norm()).item<double>();
  };
  return {error(Product(matrix, x, {}, std::nullopt)), error(at::linear(x, weight))};
}

// Numbers of every size, sums that cancel, in every precision of the weight.
TEST_P(PackedMatrixTest, IsAsExactAsFloat32) {
  const std::pair<Precision, at::ScalarType> precisions[] = {{Precision::kFloat32, at::kFloat},
                                                             {Precision::kFloat16, at::kHalf},
                                                             {Precision::kBfloat16, at::kBFloat16}};
  for (const auto& [precision, type] : precisions) {
    for (int64_t in : {64, 500, 2048, 5000}) {
      SCOPED_TRACE(::testing::Message() << static_cast<int>(precision) << ", " << in);
      const at::Tensor weight = at::randn({96, in}).to(type).to(at::kFloat);
      const Packed matrix = Pack(method_, weight, precision);
      const at::Tensor x = at::randn({50, in});
      for (const at::Tensor& rows : {x, x * at::exp(4 * at::randn({50, in})), x * 1e-30, x * 1e30,
                                     x + 1000, at::cat({x, -x * (1 + 1e-6)}, 1).narrow(1, 0, in)}) {
        const auto [error, usual] = Errors(*matrix, weight, rows.contiguous());
        EXPECT_LT(error, std::max(2 * usual, 8e-7));
      }
    }
  }
}

TEST_P(PackedMatrixTest, FloatsThatAreSpreadOutKeepEveryBit) {
  // A row of the identity shows each number of x as it is.
  const at::Tensor x = at::randn({64, 64}) * at::exp(10 * at::randn({64, 64}));
  const Packed matrix = Pack(method_, at::eye(64), Precision::kBfloat16);
  EXPECT_TRUE(at::equal(Product(*matrix, x, {}, std::nullopt), x));
  const Packed numbers = Pack(method_, x);
  EXPECT_TRUE(at::equal(Product(*numbers, at::eye(64), {}, std::nullopt), x.t()));
}

TEST_P(PackedMatrixTest, WhatIsNoNumberStaysInItsRow) {
  at::Tensor x = at::randn({40, 70});
  x[3][5] = NAN;
  x[17][69] = INFINITY;
  const at::Tensor product = Product(*Pack(method_, at::randn({33, 70})), x, {}, std::nullopt);
  for (int64_t row = 0; row < 40; ++row) {
    const auto finite = at::isfinite(product[row]).sum().item<int64_t>();
    EXPECT_EQ(finite, row == 3 || row == 17 ? 0 : 33) << row;
  }
}

TEST_P(PackedMatrixTest, SaysHowLargeItIs) {
  EXPECT_GE(method_.bytes(100, 50, Precision::kBfloat16), 100 * 50 * 2);
  EXPECT_LE(method_.bytes(1024, 512, Precision::kFloat32), 1024 * 512 * 6);
}

// Threads that took rows through both matrices once ran oneDNN's primitives of another thread.
TEST_P(PackedMatrixTest, AnMlpOfManyRowsIsLibTorchs) {
  const at::Tensor up = at::randn({96, 24}), down = at::randn({24, 96});
  at::set_num_threads(4);
  Mlp mlp;
  mlp.up = {up, at::randn({96}), nullptr};
  mlp.down = {down, at::randn({24}), nullptr};
  Mlp packed = mlp;
  packed.up.packed = Pack(method_, up);
  packed.down.packed = Pack(method_, down);
  for (int64_t rows : {40, 700, 1024, 4000}) {
    const at::Tensor x = at::randn({rows, 24});
    const at::Tensor wanted = mlp(x);
    for (int again = 0; again < 20; ++again) {
      ASSERT_TRUE(at::allclose(packed(x), wanted, 1e-4, 1e-3)) << rows << " rows";
    }
  }
}

TEST_P(PackedMatrixTest, PassesOnWhatReadingSays) {
  const auto read = [](int64_t first, int64_t, float* into) {
    *into = 0;
    return first == 0 ? absl::OkStatus() : absl::DataLossError("row 192");
  };
  auto packed = method_.make(400, 8, Precision::kFloat32, read);
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
