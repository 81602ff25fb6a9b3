#include "worker/engine/analysis/signals.h"

#include <gtest/gtest.h>

#include "records.h"

namespace ondelette::engine {
namespace {

TEST(RelativeWindows, ReadBackFromEachQuery) {
  at::Tensor attention = RandomAttention(2, 30, 1);
  int64_t first = 5;
  at::Tensor windows = RelativeWindows(first, attention.narrow(1, 5, 20), 8);
  ASSERT_EQ(first, 8);
  ASSERT_EQ(windows.sizes(), at::IntArrayRef({2, 17, 8}));
  for (int64_t query = 8; query < 25; ++query) {
    for (int64_t d = 0; d < 8; ++d) {
      EXPECT_EQ(windows[1][query - 8][d].item<float>(),
                attention[1][query][query - d].item<float>());
    }
  }
}

TEST(RelativeWindows, NoneBeforeTheWindowIsFull) {
  int64_t first = 0;
  EXPECT_EQ(RelativeWindows(first, RandomAttention(2, 30, 1).narrow(1, 0, 8), 8).size(1), 0);
}

TEST(PrepareRows, WithoutTheSinkRowsAreRenormalisedOrEmpty) {
  at::Tensor attention = RandomAttention(1, 6, 2);
  attention[0][3].zero_();
  attention[0][3][0] = 1;
  SignalTile rows = PrepareRows(0, attention, Sink::kDropped);
  EXPECT_EQ(rows.first, 0);
  ASSERT_EQ(rows.values.sizes(), at::IntArrayRef({1, 5, 5}));
  for (int64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(rows.filled[0][row].item<bool>(), row != 2);
    EXPECT_NEAR(rows.values[0][row].sum().item<double>(), row == 2 ? 0 : 1, 1e-15);
  }
  SignalTile later = PrepareRows(4, attention.narrow(1, 4, 2), Sink::kDropped);
  EXPECT_EQ(later.first, 3);
  EXPECT_TRUE(at::equal(later.values, rows.values.narrow(1, 3, 2)));
  EXPECT_EQ(PrepareRows(0, attention.narrow(1, 0, 1), Sink::kDropped).count(), 0);
}

TEST(NormaliseWindows, AMillionthOrLessIsEmpty) {
  at::Tensor windows = at::zeros({1, 3, 4}, at::kFloat);
  windows[0][0][1] = 0.9e-6F;
  windows[0][1][1] = 1.1e-6F;
  SignalTile tile = NormaliseWindows(0, windows);
  EXPECT_TRUE(at::equal(tile.filled, at::tensor({0, 1, 0}).to(at::kBool).unsqueeze(0)));
  EXPECT_EQ(tile.values[0][0].sum().item<double>(), 0);
  EXPECT_EQ(tile.values[0][1].sum().item<double>(), 1);
}

}  // namespace
}  // namespace ondelette::engine
