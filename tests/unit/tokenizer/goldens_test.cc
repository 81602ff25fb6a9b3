// Ids against those of Hugging Face's `tokenizers` (files/make_goldens.py).
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette {
namespace {

const char kFiles[] = ONDELETTE_SOURCE_DIR "/tests/unit/tokenizer/files/";

// Compares every line of a goldens file, and gives the number of lines.
int CompareWithGoldens(const std::string& tokenizer_folder, const std::string& goldens) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(tokenizer_folder);
  if (!tokenizer.ok()) {
    ADD_FAILURE() << tokenizer.status();
    return 0;
  }
  std::ifstream file(goldens);
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    nlohmann::json golden = nlohmann::json::parse(line);
    absl::StatusOr<std::vector<int32_t>> ids =
        (*tokenizer)->Encode(golden["text"].get_ref<const std::string&>());
    EXPECT_TRUE(ids.ok()) << ids.status() << " on " << line;
    if (!ids.ok()) continue;
    EXPECT_EQ(*ids, golden["ids"].get<std::vector<int32_t>>()) << line;
    for (int32_t id : *ids) EXPECT_LT(id, (*tokenizer)->VocabularySize());
  }
  return count;
}

class GoldensTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldensTest, IdsAreHuggingFaces) {
  std::string folder = absl::StrCat(kFiles, GetParam());
  EXPECT_GE(CompareWithGoldens(folder, absl::StrCat(folder, "/goldens.jsonl")), 100);
}

INSTANTIATE_TEST_SUITE_P(Forms, GoldensTest,
                         testing::Values("neox", "pairs", "prefix-space", "added", "llama3",
                                         "qwen2", "unknown"));

// The tokenizers of files/kinds.py, each on the same lines.
class KindsTest : public testing::TestWithParam<const char*> {};

TEST_P(KindsTest, IdsAreHuggingFaces) {
  std::string folder = absl::StrCat(kFiles, GetParam());
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(folder);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  std::ifstream lines(absl::StrCat(kFiles, "lines.jsonl"));
  std::ifstream goldens(absl::StrCat(folder, "/ids.jsonl"));
  int count = 0;
  for (std::string line, golden; std::getline(lines, line) && std::getline(goldens, golden);
       ++count) {
    nlohmann::json text = nlohmann::json::parse(line)["text"];
    absl::StatusOr<std::vector<int32_t>> ids =
        (*tokenizer)->Encode(text.get_ref<const std::string&>());
    ASSERT_TRUE(ids.ok()) << ids.status() << " on " << line;
    EXPECT_EQ(nlohmann::json(*ids).dump(), golden) << "line " << count << ": " << line;
    for (int32_t id : *ids) EXPECT_LT(id, (*tokenizer)->VocabularySize());
  }
  EXPECT_EQ(count, 300);
}

INSTANTIATE_TEST_SUITE_P(Kinds, KindsTest,
                         testing::Values("mistral", "metaspace", "metaspace-old", "gemma", "t5",
                                         "bert-uncased", "bert-cased", "stages-a", "stages-b",
                                         "stages-c", "t5-model", "llama-model", "gemma-model",
                                         "bpe-model", "unigram-model", "gpt2-files", "qwen2-files",
                                         "bert-files"));

// The suite that ships: its own tokenizer, on hostile lines and on the whole corpus.
class SuiteTest : public testing::Test {
 protected:
  static constexpr char kData[] = ONDELETTE_SOURCE_DIR "/tests/data/";

  static std::string Snapshot() {
    std::string model = absl::StrCat(kData, "hub/models--ondelette--austen-1m");
    std::string commit;
    std::ifstream(model + "/refs/main") >> commit;
    return absl::StrCat(model, "/snapshots/", commit);
  }
};

TEST_F(SuiteTest, BothFormsOfMergesGiveHuggingFacesIds) {
  std::string goldens = absl::StrCat(kData, "tokenizer/tokenizer_goldens.jsonl");
  EXPECT_GE(CompareWithGoldens(Snapshot(), goldens), 100);
  std::string folder = absl::StrCat(testing::TempDir(), "/merges_as_strings_", getpid());
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(absl::StrCat(kData, "tokenizer/merges_as_strings.json"),
                             absl::StrCat(folder, "/tokenizer.json"));
  EXPECT_GE(CompareWithGoldens(folder, goldens), 100);
  std::filesystem::remove_all(folder);
}

TEST_F(SuiteTest, CorpusHasHuggingFacesIds) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(Snapshot());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  std::ifstream corpus(absl::StrCat(kData, "corpus/austen-held-out.jsonl"));
  std::ifstream goldens(absl::StrCat(kData, "tokenizer/corpus_goldens.jsonl"));
  int count = 0;
  std::string text_line;
  std::string ids_line;
  for (; std::getline(corpus, text_line) && std::getline(goldens, ids_line); ++count) {
    nlohmann::json text = nlohmann::json::parse(text_line);
    nlohmann::json golden = nlohmann::json::parse(ids_line);
    ASSERT_EQ(text["id"], golden["id"]);
    absl::StatusOr<std::vector<int32_t>> ids =
        (*tokenizer)->Encode(text["text"].get_ref<const std::string&>());
    ASSERT_TRUE(ids.ok()) << ids.status();
    EXPECT_EQ(*ids, golden["ids"].get<std::vector<int32_t>>()) << text["id"];
  }
  EXPECT_EQ(count, 64);
}

TEST(VocabularySizeTest, CountsAddedTokens) {
  // 800 of the model and 23 runs of spaces.
  EXPECT_EQ((*LoadTokenizer(absl::StrCat(kFiles, "neox")))->VocabularySize(), 823);
  EXPECT_EQ((*LoadTokenizer(absl::StrCat(kFiles, "unknown")))->VocabularySize(), 30);
}

}  // namespace
}  // namespace ondelette
