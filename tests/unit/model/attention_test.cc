// Attention by tiles against attention all at once.
#include "worker/engine/model/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/attention_scores.h"

namespace ondelette::engine {
namespace {

struct Seen {
  at::Tensor attention;  // [heads, n, n], put together from the tiles
  at::Tensor output;
  std::vector<int64_t> first_queries;
};

constexpr int64_t kLanes = 0;  // in place of a tile: blocks of lanes

Seen Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, int64_t tile,
            bool output_needed = true, const AttentionRule& rule = {.scale = 1 / std::sqrt(8.0)}) {
  Seen seen;
  AttentionObserver observer;
  std::vector<at::Tensor> tiles;
  if (tile == kLanes) {
    const int64_t n = query.size(1);
    seen.attention = at::full({query.size(0), n, n}, std::nanf(""));
    observer.lanes = [&](const LaneBlock& block) {
      const at::Tensor lanes =
          at::from_blob(const_cast<float*>(block.values), {block.keys, kLaneCount});
      seen.attention[block.head]
          .narrow(0, block.first_query, block.queries)
          .copy_(lanes.narrow(1, 0, block.queries).t());
    };
  } else {
    observer = {.tiles =
                    [&](int64_t first, const at::Tensor& attention) {
                      seen.first_queries.push_back(first);
                      const int64_t unseen = key.size(1) - attention.size(2);
                      tiles.push_back(at::constant_pad_nd(attention, {0, unseen}));
                    },
                .tile_queries = tile};
  }
  seen.output = Attention(query, key, value, rule, observer, output_needed);
  if (tile != kLanes) seen.attention = at::cat(tiles, 1);
  return seen;
}

class AttentionTest : public ::testing::Test {
 protected:
  AttentionTest() {
    at::manual_seed(1);
    query_ = at::randn({3, 37, 8});
    key_ = at::randn({3, 37, 8});
    value_ = at::randn({3, 37, 8});
  }
  at::Tensor query_, key_, value_;
};

TEST_F(AttentionTest, IsTheMaskedSoftmax) {
  const Seen seen = Attend(query_, key_, value_, 37);
  at::Tensor scores = at::matmul(query_.to(at::kDouble), key_.to(at::kDouble).transpose(1, 2));
  scores = scores / std::sqrt(8.0);
  const at::Tensor future = at::ones({37, 37}, at::kBool).triu(1);
  scores = scores.masked_fill(future, -std::numeric_limits<double>::infinity());
  const at::Tensor wanted = at::softmax(scores, -1);
  EXPECT_LT((seen.attention - wanted).abs().max().item<double>(), 1e-6);
  const at::Tensor product = at::matmul(wanted, value_.to(at::kDouble));
  const at::Tensor output = product.transpose(0, 1).reshape({37, 24});
  EXPECT_LT((seen.output - output).abs().max().item<double>(), 1e-6);
}

TEST_F(AttentionTest, DoesNotDependOnTheTiles) {
  const Seen whole = Attend(query_, key_, value_, 37);
  for (int64_t tile : {kLanes, int64_t{1}, int64_t{5}, int64_t{36}, int64_t{100}}) {
    const Seen tiled = Attend(query_, key_, value_, tile);
    EXPECT_LT((tiled.attention - whole.attention).abs().max().item<float>(), 1e-6) << tile;
    EXPECT_LT((tiled.output - whole.output).abs().max().item<float>(), 1e-6) << tile;
  }
  EXPECT_EQ(Attend(query_, key_, value_, 10).first_queries, (std::vector<int64_t>{0, 10, 20, 30}));
}

TEST_F(AttentionTest, KeysAfterTheQueryAreExactlyZero) {
  for (int64_t tile : {kLanes, int64_t{10}}) {
    const Seen seen = Attend(query_, key_, value_, tile);
    EXPECT_EQ(seen.attention.triu(1).abs().max().item<float>(), 0);
    EXPECT_EQ(seen.attention[1][0][0].item<float>(), 1);
  }
}

TEST_F(AttentionTest, SurvivesScoresThatNoConstantMasks) {
  for (int64_t tile : {kLanes, int64_t{10}}) {
    const Seen seen = Attend(query_ * -4e5, key_.abs() * query_.sign(), value_, tile);
    EXPECT_TRUE(seen.attention.isfinite().all().item<bool>());
    EXPECT_EQ(seen.attention.triu(1).abs().max().item<float>(), 0);
  }
}

// Attention by the rule, all at once and in float64.
at::Tensor Wanted(const at::Tensor& query, const at::Tensor& key, const AttentionRule& rule) {
  const int64_t heads = query.size(0), n = query.size(1);
  at::Tensor keys = key.to(at::kDouble).repeat_interleave(heads / key.size(0), 0);
  at::Tensor scores = at::matmul(query.to(at::kDouble), keys.transpose(1, 2)) * rule.scale;
  at::Tensor distance = at::arange(n).unsqueeze(1) - at::arange(n).unsqueeze(0);
  if (rule.distance_bias.defined()) {
    for (int64_t head = 0; head < heads; ++head) {
      scores[head] += rule.distance_bias[head].to(at::kDouble).take(n - 1 - distance);
    }
  }
  if (rule.softcap != 0) scores = at::tanh(scores / rule.softcap) * rule.softcap;
  at::Tensor hidden = at::zeros({n, n}, at::kBool);
  if (rule.causal) hidden = distance < 0;
  if (rule.window != 0) hidden = hidden.logical_or(distance >= rule.window);
  return at::softmax(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), -1);
}

// `bias` [heads, 2 * 37 - 1].
std::vector<AttentionRule> Rules(const at::Tensor& bias) {
  return {
      {.scale = 0.3},
      {.scale = 0.3, .causal = false},
      {.scale = 1, .causal = false, .distance_bias = bias},
      {.scale = 1, .distance_bias = bias},
      {.scale = 0.5, .softcap = 0.7},
      {.scale = 0.5, .window = 1},
      {.scale = 0.5, .window = 6},
      {.scale = 0.5, .softcap = 2, .window = 36},
      {.scale = 0.5, .window = 37},
      {.scale = 0.5, .window = 1000},
  };
}

TEST_F(AttentionTest, FollowsEveryRuleAtEveryTile) {
  const at::Tensor query = at::randn({6, 37, 8}), bias = at::randn({6, 73});
  const std::vector<AttentionRule> rules = Rules(bias);
  for (size_t rule = 0; rule < rules.size(); ++rule) {
    for (int64_t key_heads : {1, 3, 6}) {
      const at::Tensor key = at::randn({key_heads, 37, 8}), value = at::randn({key_heads, 37, 8});
      const at::Tensor wanted = Wanted(query, key, rules[rule]);
      const at::Tensor output =
          at::matmul(wanted, value.to(at::kDouble).repeat_interleave(6 / key_heads, 0))
              .transpose(0, 1)
              .reshape({37, 48});
      for (int64_t tile : {kLanes, int64_t{1}, int64_t{5}, int64_t{8}, int64_t{37}}) {
        const Seen seen = Attend(query, key, value, tile, true, rules[rule]);
        const std::string where =
            absl::StrCat("rule ", rule, ", key heads ", key_heads, ", tile ", tile);
        EXPECT_LT((seen.attention - wanted).abs().max().item<double>(), 1e-6) << where;
        EXPECT_LT((seen.output - output).abs().max().item<double>(), 1e-5) << where;
        EXPECT_TRUE(at::equal(seen.attention == 0, wanted == 0)) << where;
      }
    }
  }
}

// What a GPU does with scores is what tensors do, wherever the tile lies.
TEST_F(AttentionTest, TheTeamsSoftmaxIsTheTensors) {
  for (const AttentionRule& rule : Rules(at::randn({6, 73}))) {
    for (int64_t first : {0, 5, 30}) {
      const int64_t end = rule.causal ? first + 7 : 37;
      const int64_t first_key =
          rule.causal && rule.window > 0 ? std::max<int64_t>(0, first - rule.window + 1) : 0;
      at::Tensor scores = at::randn({6, 7, end - first_key}) * 3;
      scores[2][3][end - first_key - 7] = std::numeric_limits<float>::quiet_NaN();
      const ScoreTile tile{scores, first, first_key};
      const at::Tensor wanted = SoftmaxByTensors({scores.clone(), first, first_key}, rule);
      const at::Tensor found = SoftmaxByTeams(tile, rule);
      const at::Tensor bad_rows = wanted.isnan().any(-1);
      EXPECT_TRUE(at::equal(found.isnan().any(-1), bad_rows));
      const at::Tensor good = found.index({bad_rows.logical_not()});
      const at::Tensor good_wanted = wanted.index({bad_rows.logical_not()});
      EXPECT_TRUE(at::allclose(good, good_wanted, 1e-6, 1e-7));
      EXPECT_TRUE(at::equal(good == 0, good_wanted == 0));
    }
  }
}

TEST_F(AttentionTest, ReportsNaNOnItsRowsOnly) {
  query_.index_put_({1, 20}, std::numeric_limits<float>::quiet_NaN());
  for (int64_t tile : {kLanes, int64_t{10}}) {
    const Seen seen = Attend(query_, key_, value_, tile);
    const at::Tensor bad_rows = seen.attention.isnan().any(-1);
    EXPECT_EQ(bad_rows.sum().item<int64_t>(), 1);
    EXPECT_TRUE(bad_rows[1][20].item<bool>());
  }
}

TEST_F(AttentionTest, LeavesOutTheValueProductWhereItIsNotNeeded) {
  for (int64_t tile : {kLanes, int64_t{10}}) {
    const Seen seen = Attend(query_, key_, at::Tensor(), tile, /*output_needed=*/false);
    EXPECT_FALSE(seen.output.defined());
    EXPECT_EQ(seen.attention.size(1), 37);
  }
}

}  // namespace
}  // namespace ondelette::engine
