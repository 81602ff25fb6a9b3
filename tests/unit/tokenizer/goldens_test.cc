// Ids against those of Hugging Face's `tokenizers` (files/make_goldens.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/tokenizer/tokenizer.h"

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

TEST(VocabularySizeTest, CountsAddedTokens) {
  // 800 of the model and 23 runs of spaces.
  EXPECT_EQ((*LoadTokenizer(absl::StrCat(kFiles, "neox")))->VocabularySize(), 823);
  EXPECT_EQ((*LoadTokenizer(absl::StrCat(kFiles, "unknown")))->VocabularySize(), 30);
}

}  // namespace
}  // namespace ondelette
