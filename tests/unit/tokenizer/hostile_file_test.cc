// A tokenizer.json that is broken, hostile or of another kind gives one clear status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const json& Neox() {
  static const json* const neox = [] {
    std::ifstream file(ONDELETTE_SOURCE_DIR "/tests/unit/tokenizer/files/neox/tokenizer.json");
    return new json(json::parse(file));
  }();
  return *neox;
}

absl::Status LoadContent(const std::string& content) {
  std::string folder = absl::StrCat(testing::TempDir(), "/hostile_",
                                    testing::UnitTest::GetInstance()->random_seed(), "_", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(absl::StrCat(folder, "/tokenizer.json"), std::ios::binary) << content;
  absl::Status status = LoadTokenizer(folder).status();
  std::filesystem::remove_all(folder);
  return status;
}

struct Change {
  const char* name;
  std::function<void(json&)> apply;
  absl::StatusCode code;
  const char* expected;  // a part of the message besides the file's name
};

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnsupported = absl::StatusCode::kUnimplemented;

class ChangedFileTest : public testing::TestWithParam<Change> {};

TEST_P(ChangedFileTest, IsRefusedByName) {
  json changed = Neox();
  GetParam().apply(changed);
  absl::Status status = LoadContent(changed.dump());
  EXPECT_EQ(status.code(), GetParam().code) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("tokenizer.json: "), HasSubstr(GetParam().expected)));
  EXPECT_EQ(ErrorReason(status),
            GetParam().code == kInvalid ? "TOKENIZER_INVALID" : "TOKENIZER_UNSUPPORTED");
  EXPECT_NE(ErrorRemedy(status), "");
}

json Split(const std::string& regex) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

const Change kChanges[] = {
    {"NoModel", [](json& j) { j.erase("model"); }, kInvalid, "model.vocab: is missing"},
    {"ModelIsAList", [](json& j) { j["model"] = json::array(); }, kInvalid,
     "model: is not an object"},
    {"NoVocabulary", [](json& j) { j["model"].erase("vocab"); }, kInvalid,
     "model.vocab: is missing"},
    {"VocabularyIsAList", [](json& j) { j["model"]["vocab"] = json::array({"a"}); }, kInvalid,
     "model.vocab: is not an object"},
    {"NegativeId", [](json& j) { j["model"]["vocab"]["a"] = -1; }, kInvalid,
     "model.vocab.a: is not a token id"},
    {"HugeId", [](json& j) { j["model"]["vocab"]["a"] = uint64_t{1} << 63; }, kInvalid,
     "model.vocab.a: is not a token id"},
    {"FractionalId", [](json& j) { j["model"]["vocab"]["a"] = 1.5; }, kInvalid,
     "model.vocab.a: is not a token id"},
    {"DuplicateId", [](json& j) { j["model"]["vocab"]["zz9"] = 5; }, kInvalid,
     "model.vocab.zz9: has the id 5 of another token"},
    {"NoMerges", [](json& j) { j["model"].erase("merges"); }, kInvalid, "model.merges: is missing"},
    {"MergeOfAnUnknownToken", [](json& j) { j["model"]["merges"][0] = "t zzz"; }, kInvalid,
     "model.merges[0]: names \"zzz\", which the vocabulary lacks"},
    {"MergeIntoAnUnknownToken", [](json& j) { j["model"]["merges"][1] = "z z"; }, kInvalid,
     "model.merges[1]: names \"zz\", which the vocabulary lacks"},
    {"MergeOfThree", [](json& j) { j["model"]["merges"][2] = "a b c"; }, kInvalid,
     "model.merges[2]: is not two tokens"},
    {"MergePairOfThree",
     [](json& j) {
       j["model"]["merges"][2] = {"a", "b", "c"};
     },
     kInvalid, "model.merges[2]: is not a pair of tokens"},
    {"MergeOfNumbers",
     [](json& j) {
       j["model"]["merges"][2] = {1, 2};
     },
     kInvalid, "model.merges[2][0]: is not a string"},
    {"UnknownUnknownToken", [](json& j) { j["model"]["unk_token"] = "<nope>"; }, kInvalid,
     "model.unk_token: names \"<nope>\""},
    {"Dropout", [](json& j) { j["model"]["dropout"] = 0.1; }, kUnsupported, "model.dropout: "},
    {"Prefix", [](json& j) { j["model"]["continuing_subword_prefix"] = "##"; }, kUnsupported,
     "model.continuing_subword_prefix: "},
    {"Suffix", [](json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, kUnsupported,
     "model.end_of_word_suffix: "},
    {"AddedTokenWithoutId", [](json& j) { j["added_tokens"][0].erase("id"); }, kInvalid,
     "added_tokens[0].id: is not a token id"},
    {"AddedTokenWithANumberAsFlag", [](json& j) { j["added_tokens"][0]["lstrip"] = 1; }, kInvalid,
     "added_tokens[0].lstrip: is neither true nor false"},
    {"AddedTokenAgainstTheVocabulary", [](json& j) { j["added_tokens"][0]["id"] = 7; }, kInvalid,
     "added_tokens[0].id: gives \"<|endoftext|>\" the id 7, which contradicts the vocabulary"},
    {"AddedTokenWithAnotherOnesId", [](json& j) { j["added_tokens"][4]["id"] = 9; }, kInvalid,
     "which contradicts the vocabulary"},
    {"AddedTokenBehindAGap", [](json& j) { j["added_tokens"].back()["id"] = 999; }, kInvalid,
     "added_tokens[24].id: gives \"  \" the id 999, which contradicts the vocabulary"},
    {"AddedTokenTwice", [](json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); },
     kInvalid, "names \"<|endoftext|>\" a second time"},
    {"OtherNormalizer",
     [](json& j) {
       j["normalizer"] = {{"type", "Katakana"}};
     },
     kUnsupported, "normalizer: the normalizer \"Katakana\" is not supported"},
    {"OtherNormalizerInside",
     [](json& j) {
       j["normalizer"] = {{"type", "Sequence"},
                          {"normalizers", {{{"type", "NFC"}}, {{"type", "Scrub"}}}}};
     },
     kUnsupported, "normalizer.normalizers[1]: the normalizer \"Scrub\""},
    {"OtherPreTokenizer",
     [](json& j) {
       j["pre_tokenizer"] = {{"type", "FixedLength"}};
     },
     kUnsupported, "pre_tokenizer: the pre-tokenizer \"FixedLength\""},
    {"PreTokenizerWithoutType", [](json& j) { j["pre_tokenizer"].erase("type"); }, kInvalid,
     "pre_tokenizer.type: is missing"},
    {"BadRegex", [](json& j) { j["pre_tokenizer"] = Split("(a"); }, kInvalid,
     "pre_tokenizer.pattern.Regex: is not a regular expression: U_REGEX_MISMATCHED_PAREN"},
    {"HugeRegex", [](json& j) { j["pre_tokenizer"] = Split(std::string(5000, 'a')); }, kInvalid,
     "pre_tokenizer.pattern.Regex: is a pattern of more than 4096 bytes"},
    {"HugeRepetition",
     [](json& j) { j["pre_tokenizer"] = Split("((a{99999}){99999}){9999999999}"); }, kInvalid,
     "pre_tokenizer.pattern.Regex: is not a regular expression"},
    {"OtherSplit",
     [](json& j) {
       j["pre_tokenizer"] = Split("a");
       j["pre_tokenizer"]["behavior"] = "Sideways";
     },
     kUnsupported, "pre_tokenizer.behavior: the behavior \"Sideways\" is not supported"},
    {"WordLevel", [](json& j) { j["model"]["type"] = "WordLevel"; }, kUnsupported,
     "model.type: the model \"WordLevel\" is not supported"},
    {"OtherPostProcessor",
     [](json& j) {
       j["post_processor"] = {{"type", "Reverse"}};
     },
     kUnsupported, "post_processor: the post-processor \"Reverse\""},
    {"TemplateWithoutSequence",
     [](json& j) {
       j["post_processor"] = {{"type", "TemplateProcessing"}, {"single", json::array()}};
     },
     kUnsupported, "post_processor.single: a template with 0 sequences"},
    {"TemplateOfAnUnknownToken",
     [](json& j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"},
           {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
           {"special_tokens", json::object()}};
     },
     kInvalid, "post_processor.special_tokens.<s>.ids: is missing"},
};

INSTANTIATE_TEST_SUITE_P(Changes, ChangedFileTest, testing::ValuesIn(kChanges),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(HostileFileTest, IsNotJson) {
  std::string neox = Neox().dump();
  std::string text[] = {"",
                        "{",
                        "null",
                        "[]",
                        neox.substr(0, neox.size() / 2),
                        "\xff{}",
                        "{\"a\":\"\\ud800\"}",
                        std::string(100, '\0')};
  for (const std::string& content : text) {
    absl::Status status = LoadContent(content);
    EXPECT_EQ(status.code(), kInvalid) << status << " for " << content.substr(0, 20);
    EXPECT_THAT(std::string(status.message()), HasSubstr("tokenizer.json: is not"));
  }
}

TEST(HostileFileTest, DeepNestingNeedsNoStack) {
  constexpr size_t kDepth = 20'000'000;
  for (const std::string opening : {"[", "{\"a\":"}) {
    std::string content = "{\"model\":";
    for (size_t i = 0; i < kDepth / opening.size(); ++i) content += opening;
    absl::Status status = LoadContent(content);
    EXPECT_THAT(std::string(status.message()), HasSubstr("is nested deeper than 32"));
  }
}

TEST(HostileFileTest, HugeFileIsNotRead) {
  std::string folder = absl::StrCat(testing::TempDir(), "/huge_", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(absl::StrCat(folder, "/tokenizer.json")) << "{}";
  std::filesystem::resize_file(absl::StrCat(folder, "/tokenizer.json"), uint64_t{1} << 40);
  absl::Status status = LoadTokenizer(folder).status();
  std::filesystem::remove_all(folder);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has 1099511627776 bytes, more than"));
}

TEST(HostileFileTest, MissingFileIsNamed) {
  absl::Status status = LoadTokenizer("/nonexistent").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "TOKENIZER_MISSING");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/nonexistent has no tokenizer: no tokenizer.json"));
}

}  // namespace
}  // namespace ondelette
