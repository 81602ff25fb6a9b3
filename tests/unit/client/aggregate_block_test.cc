#include "client/commands/aggregate_block.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace ondelette::client {
namespace {

// Statistics whose figures are first, first + 1, ...
std::string Packed(uint32_t count, uint32_t undefined, double first) {
  std::string bytes(reinterpret_cast<const char*>(&count), 4);
  bytes.append(reinterpret_cast<const char*>(&undefined), 4);
  for (int i = 0; i < 7; ++i) {
    const double figure = first + i;
    bytes.append(reinterpret_cast<const char*>(&figure), 8);
  }
  return bytes;
}

v1::AggregateBlock Block() {
  v1::AggregateBlock block;
  block.set_model("m");
  block.set_revision("step1");
  block.set_layer(3);
  block.set_alias_of("step0");
  block.set_complete(true);
  for (int head : {2, 5}) block.add_heads(head);
  for (const char* metric : {"spectral_entropy", "low_power", "sink_mass"}) {
    block.add_metrics(metric);
  }
  for (uint32_t i = 0; i < 6; ++i) *block.mutable_statistics() += Packed(10 + i, i, 100.0 * i);
  return block;
}

TEST(AggregateBlockTest, RowsAreOfHeadsThenMetrics) {
  std::vector<v1::AggregateRow> rows;
  ASSERT_TRUE(
      ForEachRow(Block(), [&rows](const v1::AggregateRow& row) { rows.push_back(row); }).ok());
  ASSERT_EQ(rows.size(), 6);
  const v1::AggregateRow& row = rows[4];
  EXPECT_EQ(row.model(), "m");
  EXPECT_EQ(row.revision(), "step1");
  EXPECT_EQ(row.layer(), 3);
  EXPECT_EQ(row.head(), 5);
  EXPECT_EQ(row.metric(), "low_power");
  EXPECT_EQ(row.alias_of(), "step0");
  EXPECT_TRUE(row.complete());
  const v1::Statistics& statistics = row.statistics();
  EXPECT_EQ(statistics.count(), 14);
  EXPECT_EQ(statistics.undefined(), 4);
  EXPECT_EQ(statistics.mean(), 400);
  EXPECT_EQ(statistics.standard_deviation(), 401);
  EXPECT_EQ(statistics.minimum(), 402);
  EXPECT_EQ(statistics.first_quartile(), 403);
  EXPECT_EQ(statistics.median(), 404);
  EXPECT_EQ(statistics.third_quartile(), 405);
  EXPECT_EQ(statistics.maximum(), 406);
}

TEST(AggregateBlockTest, ABlockOfAnotherSizeIsRefusedWhole) {
  for (const size_t bytes : {0, 1, 6 * 64 - 1, 6 * 64 + 1, 7 * 64}) {
    v1::AggregateBlock block = Block();
    block.mutable_statistics()->resize(bytes);
    const absl::Status status =
        ForEachRow(block, [](const v1::AggregateRow&) { ADD_FAILURE() << "a row"; });
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << bytes;
  }
}

}  // namespace
}  // namespace ondelette::client
