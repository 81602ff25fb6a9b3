// The attention of every kernel against plain loops in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

struct Case {
  std::string name;
  int64_t tokens, head_dim;
  float scale = 0.2F, softcap = 0;
  bool causal = true;
  int64_t window = 0;
  bool biased = false;
  float spread = 1;  // of queries and keys
};

// One head whose rows lie apart, as in a matrix of several heads.
struct Head {
  explicit Head(const Case& which) : stride(which.head_dim + 3) {
    std::mt19937 random(static_cast<uint32_t>(which.tokens * 131 + which.head_dim));
    std::normal_distribution<float> normal;
    for (std::vector<float>* matrix : {&query, &key, &value}) {
      for (int64_t at = 0; at < which.tokens * stride; ++at) {
        matrix->push_back(normal(random) * (matrix == &value ? 1 : which.spread));
      }
    }
    for (int64_t at = 0; at < 2 * which.tokens - 1; ++at) bias.push_back(normal(random));
  }
  int64_t stride;
  std::vector<float> query, key, value, bias;
};

// A head as the kernels are given it, and their work space.
struct Prepared {
  Prepared(const Case& which, const Head& head, const LaneKernels& kernels)
      : room(kBlocksTogether * BlockKeys(which.tokens) * kLaneCount),
        work(scratch.AtLeast(kernels.attention_space(which.head_dim))),
        x(values.AtLeast(room)) {
    float* packed = keys.AtLeast(kernels.head_space(which.tokens, which.head_dim));
    attention = {head.query.data(),
                 head.stride,
                 head.key.data(),
                 head.stride,
                 head.value.data(),
                 head.stride,
                 packed,
                 which.tokens,
                 which.head_dim,
                 which.scale,
                 which.softcap,
                 which.causal,
                 which.window,
                 which.biased ? head.bias.data() : nullptr};
    kernels.pack_head(attention, true, packed);
  }
  LaneBuffer keys, scratch, values;
  int64_t room;  // of x
  float* work;
  float* x;  // [blocks][keys][kLaneCount]
  AttentionHead attention;
};

// Probabilities of one query, by key.
std::vector<double> Wanted(const Case& which, const Head& head, int64_t query) {
  std::vector<double> scores;
  for (int64_t key = 0; key < which.tokens; ++key) {
    double score = 0;
    for (int64_t k = 0; k < which.head_dim; ++k) {
      score += static_cast<double>(head.query[query * head.stride + k]) *
               head.key[key * head.stride + k];
    }
    score *= which.scale;
    if (which.biased) score += head.bias[key - query + which.tokens - 1];
    if (which.softcap != 0) score = which.softcap * std::tanh(score / which.softcap);
    const bool hidden =
        which.causal && (key > query || (which.window != 0 && query - key >= which.window));
    scores.push_back(hidden ? -std::numeric_limits<double>::infinity() : score);
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
  return scores;
}

// One block against the loops; `mixed` are its queries' rows.
void CompareBlock(const Case& which, const Head& head, const LaneBlock& block, const float* mixed) {
  const float most = std::max(1.0F, which.spread);
  for (int64_t lane = 0; lane < kLaneCount; ++lane) {
    std::vector<double> wanted(static_cast<size_t>(which.tokens), 0.0);
    if (lane < block.queries) wanted = Wanted(which, head, block.first_query + lane);
    for (int64_t key = 0; key < which.tokens; ++key) {
      const float got = block.values[key * kLaneCount + lane];
      const double exact = wanted[static_cast<size_t>(key)];
      ASSERT_NEAR(got, exact, 2e-6 * most) << block.first_query + lane << ", " << key;
      const bool inside = key >= block.first_seen && key < block.end_seen;
      if (exact == 0) {
        ASSERT_EQ(got, 0) << block.first_query + lane << ", " << key;
      }
      if (!inside) {
        ASSERT_EQ(exact, 0);
      }
    }
    if (lane >= block.queries) continue;
    for (int64_t k = 0; k < which.head_dim; ++k) {
      double sum = 0;
      for (int64_t key = 0; key < which.tokens; ++key) {
        sum += wanted[static_cast<size_t>(key)] * head.value[key * head.stride + k];
      }
      ASSERT_NEAR(mixed[lane * head.stride + k], sum, 1e-5 * most);
    }
    EXPECT_EQ(mixed[lane * head.stride + which.head_dim], 99.0F) << "wrote beyond a row";
  }
}

void Compare(const Case& which, const LaneKernels& kernels) {
  const Head head(which);
  Prepared prepared(which, head, kernels);
  const AttentionHead& attention = prepared.attention;
  constexpr int64_t kTogether = kBlocksTogether * kLaneCount;
  std::vector<float> mixed(static_cast<size_t>(kTogether * head.stride), 99.0F);
  for (int64_t first = 0; first < which.tokens; first += kTogether) {
    std::fill_n(prepared.x, prepared.room, std::numeric_limits<float>::quiet_NaN());
    LaneBlock blocks[kBlocksTogether];
    kernels.probabilities(attention, first, prepared.work, prepared.x, blocks);
    kernels.mix_values(attention, blocks, prepared.work, mixed.data(), head.stride);
    int64_t query = first;
    for (int64_t at = 0; query < BlocksEnd(attention, first); ++at) {
      ASSERT_EQ(blocks[at].keys, which.tokens);
      ASSERT_EQ(blocks[at].first_query, query);
      CompareBlock(which, head, blocks[at], mixed.data() + (query - first) * head.stride);
      query += blocks[at].queries;
    }
    ASSERT_EQ(query, BlocksEnd(attention, first));
  }
}

TEST(AttentionKernel, IsSoftmaxAttention) {
  const std::vector<Case> cases = {
      {"one token", 1, 8},
      {"a block", 16, 16},
      {"odd", 37, 5},
      {"a block and a token", 33, 33},
      {"pythia 14m", 112, 32},
      {"long", 530, 64},
      {.name = "wide heads", .tokens = 50, .head_dim = 80},
      {.name = "both ways", .tokens = 61, .head_dim = 20, .causal = false},
      {.name = "window", .tokens = 90, .head_dim = 16, .window = 24},
      {.name = "narrow window", .tokens = 40, .head_dim = 8, .window = 3},
      {.name = "softcap", .tokens = 45, .head_dim = 24, .softcap = 2},
      {.name = "bias", .tokens = 45, .head_dim = 12, .scale = 1, .causal = false, .biased = true},
      {.name = "causal bias", .tokens = 45, .head_dim = 12, .scale = 1, .biased = true}};
  for (const LaneKernels& kernels : RunnableKernels()) {
    for (const Case& which : cases) {
      SCOPED_TRACE(which.name + " by " + kernels.instruction_set);
      Compare(which, kernels);
    }
  }
}

// Real Pythias' scores reach -110,000: what a mask hides is 0 all the same, and nothing overflows.
TEST(AttentionKernel, ScoresOfAnySizeLeaveExactZeros) {
  for (const LaneKernels& kernels : RunnableKernels()) {
    const Case which{.name = "huge", .tokens = 40, .head_dim = 16, .spread = 400};
    const Head head(which);
    const Prepared prepared(which, head, kernels);
    LaneBlock blocks[kBlocksTogether];
    for (int64_t query = 0; query < 40; ++query) {
      const int64_t at = query % (kBlocksTogether * kLaneCount);
      if (at == 0) {
        kernels.probabilities(prepared.attention, query, prepared.work, prepared.x, blocks);
      }
      const float* x = blocks[at / kLaneCount].values + at % kLaneCount;
      double sum = 0;
      for (int64_t key = 0; key < 40; ++key) {
        const float got = x[key * kLaneCount];
        if (key > query) {
          EXPECT_EQ(got, 0);
        }
        sum += got;
      }
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

TEST(AttentionKernel, NaNStaysInItsRow) {
  const Case which{.name = "nan", .tokens = 40, .head_dim = 16};
  for (const LaneKernels& kernels : RunnableKernels()) {
    Head head(which);
    head.query[20 * head.stride + 3] = std::numeric_limits<float>::quiet_NaN();
    const Prepared prepared(which, head, kernels);
    LaneBlock blocks[kBlocksTogether];
    kernels.probabilities(prepared.attention, 0, prepared.work, prepared.x, blocks);
    for (int64_t query = 0; query < kBlocksTogether * kLaneCount; ++query) {
      const float first = blocks[query / kLaneCount].values[query % kLaneCount];
      EXPECT_EQ(std::isnan(first), query == 20) << kernels.instruction_set << " query " << query;
    }
  }
}

}  // namespace
}  // namespace ondelette::engine
