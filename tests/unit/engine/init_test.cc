// `ondelette-engine init`: what it writes, and what the published initialisation looks like
// measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/checkpoint/widen.h"

namespace ondelette::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> SmallInit(const std::string& output,
                                   const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"init",    "--like", "14m",      "--layers", "2",
                                     "--vocab", "300",    "--output", output};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

struct Moments {
  double mean, deviation;
};

Moments MomentsOf(const Checkpoint& checkpoint, const std::string& name,
                  const std::vector<int64_t>& shape) {
  absl::StatusOr<TensorView> view = checkpoint.Tensor(name, shape);
  EXPECT_TRUE(view.ok()) << view.status();
  std::vector<float> values(static_cast<size_t>(*ElementCount(shape)));
  EXPECT_TRUE(WidenToFloat(*view, values).ok());
  double sum = 0, squares = 0;
  for (float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double mean = sum / static_cast<double>(values.size());
  return {mean, std::sqrt(squares / static_cast<double>(values.size()) - mean * mean)};
}

TEST(InitTest, DrawsEveryTensorAsPublished) {
  const TempFolder folder;
  const Outcome outcome = RunEngine(SmallInit(folder.Path("model"), {"--dtype", "F32"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(folder.Path("model"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->TensorNames().size(), 1 + 2 * 12 + 2);
  const double small = std::sqrt(2.0 / (5 * 128)), wang = 2.0 / (2 * std::sqrt(128.0));
  struct Expected {
    const char* name;
    std::vector<int64_t> shape;
    double mean, deviation;
  };
  for (const Expected& wanted :
       std::vector<Expected>{{"embed_in.weight", {300, 128}, 0, small},
                             {"layers.0.attention.query_key_value.weight", {384, 128}, 0, small},
                             {"layers.1.attention.dense.weight", {128, 128}, 0, wang},
                             {"layers.1.mlp.dense_h_to_4h.weight", {512, 128}, 0, small},
                             {"layers.0.mlp.dense_4h_to_h.weight", {128, 512}, 0, wang},
                             {"layers.0.attention.query_key_value.bias", {384}, 0, 0},
                             {"layers.1.mlp.dense_4h_to_h.bias", {128}, 0, 0},
                             {"layers.1.input_layernorm.weight", {128}, 1, 0},
                             {"layers.0.post_attention_layernorm.bias", {128}, 0, 0},
                             {"final_layer_norm.weight", {128}, 1, 0}}) {
    const Moments got = MomentsOf(*checkpoint, wanted.name, wanted.shape);
    EXPECT_NEAR(got.mean, wanted.mean, 0.03 * wanted.deviation) << wanted.name;
    EXPECT_NEAR(got.deviation, wanted.deviation, 0.03 * wanted.deviation) << wanted.name;
  }
}

TEST(InitTest, DependsOnTheSeedAndNothingElse) {
  const TempFolder folder;
  auto weights = [&](const std::string& name, const std::vector<std::string>& more) {
    const Outcome outcome = RunEngine(SmallInit(folder.Path(name), more));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return ReadBytes(folder.Path(name) + "/model.safetensors");
  };
  const std::string first = weights("a", {});
  EXPECT_EQ(first, weights("b", {"--seed", "0"}));
  EXPECT_NE(first, weights("c", {"--seed", "1"}));
  EXPECT_NE(first, weights("d", {"--dtype", "BF16"}));
  absl::StatusOr<Checkpoint> rounded = Checkpoint::Open(folder.Path("d"));
  ASSERT_TRUE(rounded.ok()) << rounded.status();
  EXPECT_EQ(rounded->Tensor("final_layer_norm.bias", {128})->dtype, DType::kBF16);
}

TEST(InitTest, RefusesWhatCannotBe) {
  const TempFolder folder;
  const std::string output = folder.Path("model");
  auto expect = [&](const std::vector<std::string>& more, int status, const char* says) {
    const Outcome outcome = RunEngine(SmallInit(output, more));
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(says));
  };
  expect({"--heads", "0"}, 2, "--heads is '0'");
  expect({"--heads", "many"}, 2, "--heads is 'many'");
  expect({"--heads", "3"}, 1, "config.json");
  expect({"--dtype", "F8"}, 2, "--dtype is 'F8'");
  EXPECT_EQ(RunEngine({"init", "--like", "13b", "--output", output}).status, 2);
  EXPECT_EQ(RunEngine(SmallInit(output)).status, 0);
  expect({}, 1, "holds a checkpoint already");
  const Outcome nowhere = RunEngine(SmallInit("/proc/nowhere"));
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("/proc/nowhere"));
}

// Table 5's step 0 of Pythia 6.9B is random weights: 2.277, 0.757, 77.0 %, 0.523 and 0.539. They
// depend on 4 D / L^2 (16 for 4096 wide and 32 layers), how much a layer adds to the embedding, and
// a little on D / L, how far it adds up: the reduced shape keeps the first and has 80 for 128 in
// the second.
TEST(InitTest, MeetsTheStepZeroOfTableFive) {
  const TempFolder folder;
  const Outcome init =
      RunEngine({"init", "--like", "pythia-6.9b", "--layers", "20", "--hidden", "1600", "--heads",
                 "20", "--vocab", "4096", "--output", folder.Path("step0")});
  ASSERT_EQ(init.status, 0) << init.err;
  std::mt19937 engine(1);
  nlohmann::json tokens = nlohmann::json::array();
  for (int at = 0; at < 112; ++at) tokens.push_back(engine() % 4096);
  folder.Write("tokens.jsonl", nlohmann::json({{"id", "a"}, {"tokens", tokens}}).dump());
  const Outcome outcome =
      RunEngine(Analyze(folder.Path("step0"), folder.Path("tokens.jsonl"), 112));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<nlohmann::json> records = Lines(outcome.out);
  ASSERT_EQ(records.size(), 20 * 20);
  std::map<std::string, double> mean;
  for (const nlohmann::json& record : records) {
    for (const auto& [name, value] : record["metrics"].items()) {
      if (value.is_number())
        mean[name] += value.get<double>() / static_cast<double>(records.size());
    }
  }
  EXPECT_NEAR(mean["spectral_entropy"], 2.277, 0.06);
  EXPECT_NEAR(mean["frequency_selectivity"], 0.757, 0.04);
  EXPECT_NEAR(mean["band_low"], 0.770, 0.02);
  EXPECT_NEAR(mean["scale_sensitivity_0.5"], 0.523, 0.03);
  EXPECT_NEAR(mean["scale_sensitivity_0.25"], 0.539, 0.03);
  for (const char* name : {"spectral_entropy", "frequency_selectivity", "band_low",
                           "scale_sensitivity_0.5", "scale_sensitivity_0.25"}) {
    RecordProperty(name, std::to_string(mean[name]));
  }
}

}  // namespace
}  // namespace ondelette::testing
