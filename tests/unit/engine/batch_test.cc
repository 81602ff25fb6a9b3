// Records do not depend on what is measured beside them, nor on where the weights are: bit for bit,
// for every family, with passes of shortened sequences between those of whole ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"

namespace ondelette::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kTokens = 37;  // odd on purpose, as are the shortened lengths

// A network of tests/parity/models, and what else it takes to reach its stacks.
struct Network {
  const char* name;
  std::vector<std::string> more;
};

void PrintTo(const Network& network, std::ostream* out) { *out << network.name; }

// Every third sequence is too short.
std::string Line(int seed) {
  return TokensLine("s" + std::to_string(seed), seed % 3 == 2 ? kTokens - 1 : kTokens, seed);
}

// The records of sequences with these seeds, as one text.
Outcome RecordsOf(const Network& network, const std::vector<int>& seeds,
                  std::vector<std::string> more = {}) {
  std::string lines;
  for (int seed : seeds) lines += Line(seed);
  const TempFolder files;
  files.Write("tokens.jsonl", lines);
  more.insert(more.end(), {"--set", "scale_sampling=random", "--set", "alphas=[0.35,0.7]"});
  more.insert(more.end(), network.more.begin(), network.more.end());
  const std::string checkpoint =
      std::string(ONDELETTE_SOURCE_DIR "/tests/parity/models/") + network.name;
  return RunEngine(Analyze(checkpoint, files.Path("tokens.jsonl"), kTokens, more));
}

class BatchTest : public ::testing::TestWithParam<Network> {
 protected:
  static Outcome Records(const std::vector<int>& seeds, std::vector<std::string> more = {}) {
    return RecordsOf(GetParam(), seeds, std::move(more));
  }
};

TEST_P(BatchTest, RecordsDoNotDependOnTheBatch) {
  const Outcome together = Records({0, 1, 2, 3, 4});
  ASSERT_EQ(together.status, 0) << together.err;
  EXPECT_THAT(together.err, HasSubstr("'s2' is skipped"));
  std::string alone;
  for (int seed : {0, 1, 3, 4}) alone += Records({seed}).out;
  ASSERT_GT(alone.size(), 0);
  EXPECT_EQ(together.out, alone);
}

TEST_P(BatchTest, RecordsDoNotDependOnWhereTheWeightsAre) {
  const Outcome held = Records({0, 1}, {"--weights", "held"});
  const Outcome streamed = Records({0, 1}, {"--weights", "streamed"});
  ASSERT_EQ(streamed.status, 0) << streamed.err;
  ASSERT_GT(held.out.size(), 0);
  EXPECT_EQ(streamed.out, held.out);
}

const std::vector<std::string> kDecoder{"--set", "stack=decoder"};

INSTANTIATE_TEST_SUITE_P(
    Families, BatchTest,
    ::testing::Values(Network{"gpt_neox-five-heads", {}}, Network{"gpt_neox-sequential-full", {}},
                      Network{"gpt_neox-torch-sharded", {}}, Network{"gpt2-five-heads", {}},
                      Network{"llama-three-heads", {}}, Network{"mistral-narrow-window", {}},
                      Network{"qwen2-seven-heads", {}}, Network{"gemma2-erf-gelu", {}},
                      Network{"bert-three-heads", {}}, Network{"t5-flan", {}},
                      Network{"t5-flan", kDecoder}, Network{"t5-relu", kDecoder}));

// More tokens than a batch has: several batches, in the order of the sequences.
TEST(BatchesTest, FollowEachOther) {
  const Network network{"gpt_neox-five-heads", {}};
  std::vector<int> seeds;
  for (int seed = 0; seed < 60; ++seed) seeds.push_back(3 * seed);
  const Outcome together = RecordsOf(network, seeds),
                streamed = RecordsOf(network, seeds, {"--weights", "streamed"});
  ASSERT_EQ(together.status, 0) << together.err;
  EXPECT_EQ(streamed.out, together.out);
  const std::vector<int> last(seeds.end() - 2, seeds.end());
  const std::string alone = RecordsOf(network, last).out;
  ASSERT_LT(alone.size(), together.out.size());
  EXPECT_EQ(together.out.substr(together.out.size() - alone.size()), alone);
}

}  // namespace
}  // namespace ondelette::testing
