#include "worker/engine/analysis/shortened.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace ondelette::engine {
namespace {

std::vector<int32_t> Count(int n) {
  std::vector<int32_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), 100);
  return tokens;
}

Spec Sampling(ScaleSampling sampling) {
  Spec spec = *PresetSpec("relative-window");
  spec.scale_sampling = sampling;
  return spec;
}

TEST(ShortenedTokens, PrefixAndStride) {
  std::vector<int32_t> tokens = Count(7);
  EXPECT_EQ(ShortenedTokens(Sampling(ScaleSampling::kPrefix), 0.5, tokens, "d"),
            (std::vector<int32_t>{100, 101, 102}));
  EXPECT_EQ(ShortenedTokens(Sampling(ScaleSampling::kStride), 0.5, tokens, "d"),
            (std::vector<int32_t>{100, 102, 104}));
}

TEST(ShortenedTokens, RandomIsDrawnByTheDigest) {
  Spec spec = Sampling(ScaleSampling::kRandom);
  std::vector<int32_t> tokens = Count(200);
  std::vector<int32_t> drawn = ShortenedTokens(spec, 0.25, tokens, "one");
  EXPECT_EQ(drawn.size(), 50U);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end());
  EXPECT_GE(drawn.front(), 100);
  EXPECT_LT(drawn.back(), 300);
  EXPECT_EQ(drawn, ShortenedTokens(spec, 0.25, tokens, "one"));
  EXPECT_NE(drawn, ShortenedTokens(spec, 0.25, tokens, "two"));
}

TEST(ShortenedTokens, RandomReachesEveryPosition) {
  Spec spec = Sampling(ScaleSampling::kRandom);
  std::vector<int32_t> tokens = Count(20);
  std::vector<int> drawn(20, 0);
  for (int digest = 0; digest < 4000; ++digest) {
    for (int32_t token : ShortenedTokens(spec, 0.5, tokens, std::to_string(digest))) {
      ++drawn[token - 100];
    }
  }
  for (int count : drawn) EXPECT_NEAR(count, 2000, 160);  // five standard deviations
}

TEST(ShortenedTokens, NothingToTakeFrom) {
  for (auto sampling : {ScaleSampling::kPrefix, ScaleSampling::kStride, ScaleSampling::kRandom}) {
    EXPECT_TRUE(ShortenedTokens(Sampling(sampling), 0.5, {}, "d").empty());
    EXPECT_TRUE(ShortenedTokens(Sampling(sampling), 0.5, Count(1), "d").empty());
  }
}

TEST(SequenceSeed, DiffersByDigest) {
  EXPECT_EQ(SequenceSeed("a"), SequenceSeed("a"));
  EXPECT_NE(SequenceSeed("a"), SequenceSeed("b"));
}

}  // namespace
}  // namespace ondelette::engine
