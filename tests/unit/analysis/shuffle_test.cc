#include <gtest/gtest.h>

#include "records.h"
#include "worker/engine/analysis/key_shuffle.h"

namespace ondelette::engine {
namespace {

TEST(KeyShuffle, PermutesTheKeysThatARowMaySee) {
  at::Tensor table = KeyPermutations(0, 50, 50, /*causal=*/true).to(at::kLong);
  at::Tensor keys = at::arange(0, 50, at::kLong);
  for (int64_t row = 0; row < 50; ++row) {
    at::Tensor sorted = std::get<0>(table[row].narrow(0, 0, row + 1).sort());
    EXPECT_TRUE(at::equal(sorted, keys.narrow(0, 0, row + 1))) << row;
    EXPECT_TRUE(
        at::equal(table[row].narrow(0, row + 1, 49 - row), keys.narrow(0, row + 1, 49 - row)));
  }
  EXPECT_FALSE(at::equal(table[49], keys));
}

TEST(KeyShuffle, PermutesAllKeysOfABidirectionalRow) {
  at::Tensor table = KeyPermutations(0, 3, 50, /*causal=*/false).to(at::kLong);
  for (int64_t row = 0; row < 3; ++row) {
    EXPECT_TRUE(at::equal(std::get<0>(table[row].sort()), at::arange(0, 50, at::kLong)));
  }
  EXPECT_FALSE(at::equal(table[0], table[1]));
}

// Records are compared across versions and devices: these permutations are part of the interface.
TEST(KeyShuffle, IsFixedForAllTime) {
  at::Tensor expected = at::tensor({1, 6, 7, 5, 0, 4, 3, 2}, at::kInt);
  EXPECT_TRUE(at::equal(KeyPermutations(7, 1, 8, true)[0], expected))
      << KeyPermutations(7, 1, 8, true);
}

TEST(KeyShuffle, DoesNotDependOnTheTile) {
  at::Tensor whole = KeyPermutations(0, 40, 40, true);
  EXPECT_TRUE(at::equal(KeyPermutations(13, 9, 40, true), whole.narrow(0, 13, 9)));
  at::Tensor rows = RandomAttention(2, 40, 1);
  RowShuffle shuffle(40, true, at::kCPU);
  at::Tensor shuffled = shuffle.Apply(0, rows);
  EXPECT_TRUE(at::equal(shuffle.Apply(5, rows.narrow(1, 5, 3)), shuffled.narrow(1, 5, 3)));
}

// Every position receives every key about equally often.
TEST(KeyShuffle, IsUniform) {
  constexpr int64_t kRows = 20000;
  constexpr int64_t kKeys = 10;
  at::Tensor table = KeyPermutations(0, kRows, kKeys, /*causal=*/false).to(at::kLong);
  for (int64_t position = 0; position < kKeys; ++position) {
    at::Tensor counts = table.select(1, position).bincount({}, kKeys).to(at::kDouble);
    double chi_square = ((counts - kRows / 10.0).square() / (kRows / 10.0)).sum().item<double>();
    EXPECT_LT(chi_square, 33.7) << position;  // 9 degrees of freedom, p = 1e-4
  }
}

TEST(WindowShuffle, IsTheWindowOfTheShuffledRow) {
  constexpr int64_t kKeys = 60;
  constexpr int64_t kWindow = 12;
  at::Tensor rows = RandomAttention(2, kKeys, 2);
  at::Tensor shuffled = RowShuffle(kKeys, true, at::kCPU).Apply(0, rows);
  at::Tensor windows =
      WindowShuffle(kKeys, kWindow, true, at::kCPU).Apply(20, rows.narrow(1, 20, 15));
  for (int64_t query = 0; query < 15; ++query) {
    for (int64_t d = 0; d < kWindow; ++d) {
      EXPECT_EQ(windows[1][query][d].item<float>(),
                shuffled[1][20 + query][20 + query - d].item<float>());
    }
  }
}

}  // namespace
}  // namespace ondelette::engine
