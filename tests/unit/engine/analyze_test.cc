// `ondelette-engine analyze` as people use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"
#include "tests/unit/model/tiny_checkpoint.h"
#include "worker/engine/checkpoint/weight_file.h"

namespace ondelette::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AnalyzeTest : public ::testing::Test {
 protected:
  AnalyzeTest() : checkpoint_(TinyCheckpoint().Write(model_)) {
    files_.Write("tokens.jsonl", TokensLine("one", 40) + TokensLine("two", 55, 3));
  }
  Outcome Run(const std::vector<std::string>& more = {}) {
    return RunEngine(Analyze(checkpoint_, files_.Path("tokens.jsonl"), 40, more));
  }

  TempFolder model_, files_;
  std::string checkpoint_;
};

TEST_F(AnalyzeTest, WritesARecordForEachSequenceLayerAndHeadInOrder) {
  const Outcome outcome = Run();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("LibTorch"));
  const std::vector<nlohmann::json> records = Lines(outcome.out);
  ASSERT_EQ(records.size(), 2 * 3 * 2);
  size_t at = 0;
  for (const char* sequence : {"one", "two"}) {
    for (int layer = 0; layer < 3; ++layer) {
      for (int head = 0; head < 2; ++head, ++at) {
        EXPECT_EQ(records[at]["sequence"], sequence);
        EXPECT_EQ(records[at]["layer"], layer);
        EXPECT_EQ(records[at]["head"], head);
      }
    }
  }
}

TEST_F(AnalyzeTest, ARecordHasEveryMetricOfTheSpecOnce) {
  const Outcome outcome = Run({"--set", "nulls=[\"key-shuffled\"]"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  Spec spec = *PresetSpec("paper-table5");
  ASSERT_TRUE(SetSpecField("nulls", "[\"key-shuffled\"]", spec).ok());
  std::set<std::string> wanted;
  for (const Column& column : Columns(spec)) {
    if (column.metric != kNonFiniteRows) wanted.insert(column.metric);
  }
  const nlohmann::json record = Lines(outcome.out)[0];
  std::set<std::string> got;
  for (const auto& [name, value] : record["metrics"].items()) got.insert(name);
  EXPECT_EQ(got, wanted);
  EXPECT_FALSE(record.contains(kNonFiniteRows));
  EXPECT_EQ(record["metrics"]["wavelet_entropy"].size(), 5);
  EXPECT_TRUE(record["metrics"]["window_entropy_64"].is_null());  // 40 tokens hold no window of 64
  EXPECT_GT(record["metrics"]["spectral_entropy"], 0.5);
}

TEST_F(AnalyzeTest, IsTheSameTwiceAndWhateverStandsBesideASequence) {
  const std::string both = Run().out;
  EXPECT_EQ(both, Run().out);
  files_.Write("tokens.jsonl", TokensLine("two", 55, 3));
  const std::string alone = Run().out;
  EXPECT_EQ(both.substr(both.size() - alone.size()), alone);
}

TEST_F(AnalyzeTest, MeasuresTheLayersAskedFor) {
  std::string wanted;
  for (const nlohmann::json& record : Lines(Run().out)) {
    if (record["layer"] == 1) wanted += record.dump() + "\n";
  }
  const Outcome outcome = Run({"--layers", "1:2"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::string got;
  for (const nlohmann::json& record : Lines(outcome.out)) got += record.dump() + "\n";
  EXPECT_EQ(got, wanted);
}

TEST_F(AnalyzeTest, DumpsTheAttentionOfEveryMeasuredLayer) {
  const std::string dump = files_.Path("attention.safetensors");
  const Outcome outcome = Run({"--dump-attention", dump, "--layers", "1:3"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  auto file = OpenSafetensors(dump);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ((*file)->tensors().size(), 4);
  for (const char* name : {"one/1", "one/2", "two/1", "two/2"}) {
    const TensorView* view = (*file)->Find(name);
    ASSERT_NE(view, nullptr) << name;
    EXPECT_EQ(view->shape, (std::vector<int64_t>{2, 40, 40}));
    std::vector<float> values(view->bytes.size() / sizeof(float));
    std::memcpy(values.data(), view->bytes.data(), view->bytes.size());
    for (size_t row = 0; row < 80; ++row) {
      double sum = 0;
      for (size_t key = 0; key < 40; ++key) {
        const float value = values[row * 40 + key];
        sum += value;
        if (key > row % 40) {
          EXPECT_EQ(value, 0);
        }
      }
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

TEST_F(AnalyzeTest, AnOutputFileAppearsWholeOrNotAtAll) {
  const std::string output = files_.Path("records.jsonl");
  const std::string wanted = Run().out;
  const Outcome outcome = Run({"--output", output});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(ReadBytes(output), wanted);

  TinyCheckpoint tiny;
  tiny.tensors["gpt_neox.layers.1.mlp.dense_4h_to_h.bias"].values[3] = NAN;
  tiny.Write(model_);
  EXPECT_EQ(Run({"--output", output}).status, 1);
  EXPECT_EQ(ReadBytes(output), wanted);
  EXPECT_FALSE(std::filesystem::exists(output + ".partial"));
}

TEST_F(AnalyzeTest, SkipsWhatCannotBeMeasuredAndGoesOn) {
  files_.Write("tokens.jsonl",
               "this is no JSON\n\n[1, 2]\n{\"tokens\": [1]}\n{\"id\": \"no tokens\"}\n"
               "{\"id\": 7, \"tokens\": [1]}\n"
               "{\"id\": \"text\", \"tokens\": \"1 2 3\"}\n"
               "{\"id\": \"fraction\", \"tokens\": [1, 2.5]}\n"
               "{\"id\": \"word\", \"tokens\": [1, \"2\"]}\n"
               "{\"id\": \"negative\", \"tokens\": [1, -2]}\n"
               "{\"id\": \"large\", \"tokens\": [1, 40]}\n"
               "{\"id\": \"huge\", \"tokens\": [18446744073709551615]}\n" +
                   TokensLine("short", 39) + TokensLine("good", 40));
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const nlohmann::json& record : Lines(outcome.out)) EXPECT_EQ(record["sequence"], "good");
  EXPECT_EQ(Lines(outcome.out).size(), 6);
  for (const char* name : {"line 1", "line 3", "line 4", "no tokens", "line 6", "text", "fraction",
                           "word", "negative", "large", "huge", "short"}) {
    EXPECT_THAT(outcome.err, HasSubstr(std::string("'") + name + "' is skipped: "));
  }
  EXPECT_THAT(outcome.err, HasSubstr("token 1 is 2.5: ids are 0 to 39"));
  EXPECT_THAT(outcome.err, HasSubstr("it has 39 tokens, and the spec needs 40"));
}

TEST_F(AnalyzeTest, ReportsAttentionThatIsNotFiniteOnItsHeads) {
  TinyCheckpoint tiny;  // scores of layer 1 overflow float32
  for (float& value : tiny.tensors["gpt_neox.layers.1.attention.query_key_value.weight"].values) {
    value *= 1e20f;
  }
  tiny.Write(model_);
  const Outcome outcome = Run();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, Not(HasSubstr("nan")));
  const std::vector<nlohmann::json> records = Lines(outcome.out);
  ASSERT_EQ(records.size(), 12);
  EXPECT_FALSE(records[0].contains(kNonFiniteRows));
  ASSERT_TRUE(records[2].contains(kNonFiniteRows));
  EXPECT_GT(records[2][kNonFiniteRows], 0);
  EXPECT_TRUE(records[2]["metrics"]["spectral_entropy"].is_null());
}

// Memory is the weights' and one layer's, however many layers run.
TEST_F(AnalyzeTest, PeakMemoryDoesNotGrowWithTheLayers) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps what is freed";
#endif
  const std::string tokens = files_.Path("long.jsonl");
  files_.Write("long.jsonl", TokensLine("long", 1024));
  auto peak = [&](const char* layers) {
    const TempFolder folder;
    const Outcome init =
        RunEngine({"init", "--like", "pythia-14m", "--hidden", "32", "--heads", "4", "--vocab",
                   "64", "--layers", layers, "--output", folder.Path("model")});
    EXPECT_EQ(init.status, 0) << init.err;
    const Outcome outcome = RunEngine(Analyze(folder.Path("model"), tokens, 1024));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.peak_kib;
  };
  const int64_t few = peak("2"), many = peak("12");
  EXPECT_LT(many, few + few / 10 + (16 << 10));
}

}  // namespace
}  // namespace ondelette::testing
