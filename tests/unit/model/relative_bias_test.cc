#include "worker/engine/model/relative_bias.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ondelette::engine {
namespace {

using ::testing::ElementsAreArray;

std::vector<int64_t> Of(const RelativeBuckets& buckets, const std::vector<int64_t>& offsets) {
  std::vector<int64_t> found;
  for (int64_t offset : offsets) found.push_back(buckets.Of(offset));
  return found;
}

// What T5Attention._relative_position_bucket of transformers 5 answers. Distances 16, 32, 64 and 128
// fall exactly on a bucket's edge.
const std::vector<int64_t> kOffsets{-2000, -129, -128, -127, -91, -90, -64, -46, -45, -32,
                                    -23,   -16,  -15,  -9,   -8,  -7,  -1,  0,   1,   7,
                                    8,     9,    16,   32,   64,  127, 128, 2000};

TEST(RelativeBucketsTest, AgreeWithTransformersBothWays) {
  EXPECT_THAT(Of({32, 128, true}, kOffsets),
              ElementsAreArray({15, 15, 15, 15, 15, 14, 14, 13, 12, 12, 11, 10, 9,  8,
                                8,  7,  1,  0,  17, 23, 24, 24, 26, 28, 30, 31, 31, 31}));
}

TEST(RelativeBucketsTest, AgreeWithTransformersOneWay) {
  EXPECT_THAT(Of({32, 128, false}, kOffsets),
              ElementsAreArray({31, 31, 31, 31, 29, 29, 26, 24, 23, 21, 18, 16, 15, 9,
                                8,  7,  1,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0}));
}

// Exact logarithms would give 4, 5, 7 and 54.
TEST(RelativeBucketsTest, RoundAsTransformersDoes) {
  EXPECT_THAT(Of({9, 128, false}, {-8, -16, -64}), ElementsAreArray({5, 6, 8}));
  EXPECT_THAT(Of({72, 100, false}, {-60}), ElementsAreArray({53}));
}

TEST(RelativeBucketsTest, StayInRangeAtTheEdges) {
  for (const RelativeBuckets& buckets :
       {RelativeBuckets{4, 3, true}, RelativeBuckets{4, 3, false}, RelativeBuckets{5, 3, true},
        RelativeBuckets{65536, 32769, false}, RelativeBuckets{4, 1 << 30, true}}) {
    for (int64_t offset :
         {-(int64_t{1} << 30), int64_t{-3}, int64_t{0}, int64_t{3}, int64_t{1} << 30}) {
      EXPECT_GE(buckets.Of(offset), 0);
      EXPECT_LT(buckets.Of(offset), buckets.count);
    }
  }
}

TEST(DistanceBiasTest, PutsEveryBucketAtItsDistance) {
  const at::Tensor biases = at::arange(64, at::kFloat).view({32, 2});  // bucket b, head h: 2 b + h
  const at::Tensor bias = DistanceBias({32, 128, true}, biases, 10);
  ASSERT_EQ(bias.sizes(), (std::vector<int64_t>{2, 19}));
  EXPECT_EQ(bias[0][9].item<float>(), 0);    // the query itself
  EXPECT_EQ(bias[1][8].item<float>(), 3);    // the key before it: bucket 1
  EXPECT_EQ(bias[1][10].item<float>(), 35);  // the one after it: bucket 17
  EXPECT_EQ(bias[0][0].item<float>(), 16);   // nine before: bucket 8
  EXPECT_EQ(DistanceBias({32, 128, false}, biases, 1).sizes(), (std::vector<int64_t>{2, 1}));
}

}  // namespace
}  // namespace ondelette::engine
