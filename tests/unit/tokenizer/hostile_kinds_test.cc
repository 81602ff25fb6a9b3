// Files of every kind, broken by hand and at random: always a status or a tokenizer, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <random>

#include "absl/strings/escaping.h"
#include "common/errors/errors.h"
#include "tests/unit/tokenizer/tokenizer_folder.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Change {
  const char* name;
  const char* kind;
  const char* file;
  std::function<void(json&)> apply;
  const char* expected;  // a part of the message
};

class ChangedKindTest : public testing::TestWithParam<Change> {};

TEST_P(ChangedKindTest, IsRefusedByName) {
  TokenizerFolder folder(GetParam().kind);
  json changed = folder.ReadJson(GetParam().file);
  GetParam().apply(changed);
  folder.Write(GetParam().file, changed.dump());
  absl::Status status = folder.Load().status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().expected));
  EXPECT_THAT(ErrorReason(status), testing::AnyOf("TOKENIZER_INVALID", "TOKENIZER_UNSUPPORTED"));
}

std::string MapWithRoot(uint32_t root) {
  std::string bytes(4 + 4 * 256, '\0');
  bytes[1] = 4;  // 1024 bytes of trie
  for (int i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(root >> (8 * i));
  return absl::Base64Escape(bytes);
}

constexpr const char* kForm = "tokenizer.json";
const Change kChanges[] = {
    {"UnigramVocabularyIsAnObject", "t5", kForm,
     [](json& j) {
       j["model"]["vocab"] = {{"a", 1}};
     },
     "model.vocab: is not a list"},
    {"PieceWithoutScore", "t5", kForm, [](json& j) { j["model"]["vocab"][7] = {"a"}; },
     "model.vocab[7]: is not a piece and its score"},
    {"ScoreIsText", "t5", kForm,
     [](json& j) {
       j["model"]["vocab"][7] = {"a", "b"};
     },
     "model.vocab[7][1]: is not a number"},
    {"LongPiece", "t5", kForm, [](json& j) { j["model"]["vocab"][7][0] = std::string(2000, 'a'); },
     "model.vocab[7]: is a piece of more than 1024 bytes"},
    {"UnknownIsNoPiece", "t5", kForm, [](json& j) { j["model"]["unk_id"] = 100000; },
     "model.unk_id: is not one of the"},
    {"NoUnknown", "t5", kForm, [](json& j) { j["model"]["unk_id"] = nullptr; },
     "model.unk_id: is not a token id"},
    {"MapIsNotBase64", "t5", kForm, [](json& j) { j["normalizer"]["precompiled_charsmap"] = "*"; },
     "normalizer.precompiled_charsmap: is not base64"},
    {"MapIsTooShort", "t5", kForm,
     [](json& j) { j["normalizer"]["precompiled_charsmap"] = "AAA="; },
     "normalizer.precompiled_charsmap: ends before its trie's size"},
    {"MapWithAHugeTrie", "t5", kForm,
     [](json& j) { j["normalizer"]["precompiled_charsmap"] = "////fwAA"; }, "claims a trie of"},
    {"MapThatPointsOut", "t5", kForm,
     [](json& j) { j["normalizer"]["precompiled_charsmap"] = MapWithRoot(0x7FFFFC00); },
     "has a trie that points out of itself"},
    {"WordPieceWithoutPrefix", "bert-cased", kForm,
     [](json& j) { j["model"].erase("continuing_subword_prefix"); },
     "model.continuing_subword_prefix: is missing"},
    {"WordPieceWithoutUnknown", "bert-cased", kForm,
     [](json& j) { j["model"]["unk_token"] = "[none]"; }, "model.unk_token: names \"[none]\""},
    {"WordPieceOfEndlessWords", "bert-cased", kForm,
     [](json& j) { j["model"]["max_input_chars_per_word"] = 1e30; },
     "model.max_input_chars_per_word: is not a number of characters"},
    {"BertProcessingOfOne", "bert-cased", kForm,
     [](json& j) { j["post_processor"]["cls"] = {"[CLS]"}; }, "post_processor.cls: is not a token"},
    {"MetaspaceOfTwoCharacters", "metaspace", kForm,
     [](json& j) { j["pre_tokenizer"]["replacement"] = "ab"; },
     "pre_tokenizer.replacement: is not one character"},
    {"MetaspaceOfAnotherScheme", "metaspace", kForm,
     [](json& j) { j["pre_tokenizer"]["prepend_scheme"] = "last"; },
     "pre_tokenizer.prepend_scheme: the scheme \"last\" is not supported"},
    {"MetaspaceThatContradictsItself", "metaspace", kForm,
     [](json& j) { j["pre_tokenizer"]["add_prefix_space"] = false; },
     "pre_tokenizer.prepend_scheme: contradicts add_prefix_space"},
    {"SplitAtNothing", "gemma", kForm,
     [](json& j) { j["pre_tokenizer"]["pattern"]["String"] = ""; },
     "pre_tokenizer.pattern.String: an empty string is not supported"},
    {"ReplaceWithoutPattern", "gemma", kForm, [](json& j) { j["normalizer"].erase("pattern"); },
     "normalizer.pattern.String: is missing"},
    {"TooManyPreTokenizers", "gemma", kForm,
     [](json& j) {
       json steps(100, {{"type", "WhitespaceSplit"}});
       j["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", steps}};
     },
     "is one pre-tokenizer too many"},
    {"TooManyNormalizers", "gemma", kForm,
     [](json& j) {
       json steps(100, {{"type", "NFC"}});
       j["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
     },
     "is one normalizer too many"},
    {"ClassThatNobodyKnows", "bert-files", "tokenizer_config.json",
     [](json& j) { j["tokenizer_class"] = "XlmTokenizer"; },
     "tokenizer_config.json: tokenizer_class: the class \"XlmTokenizer\" without a tokenizer.json"},
    {"FlagThatIsText", "bert-files", "tokenizer_config.json",
     [](json& j) { j["do_lower_case"] = "no"; },
     "tokenizer_config.json: do_lower_case: is neither true nor false"},
    {"AddedTokenUnderNoId", "llama-model", "tokenizer_config.json",
     [](json& j) {
       j["added_tokens_decoder"]["x"] = {{"content", "a"}};
     },
     "added_tokens_decoder.x: is no token id"},
    {"AddedTokenThatIsText", "llama-model", "tokenizer_config.json",
     [](json& j) { j["added_tokens_decoder"]["5"] = "a"; },
     "added_tokens_decoder.5: is not an object"},
    {"ClassOfAnotherAlgorithm", "llama-model", "tokenizer_config.json",
     [](json& j) { j["tokenizer_class"] = "T5Tokenizer"; }, "tokenizer_class: this class with"},
    {"ExtraIdsWithoutEnd", "t5-model", "tokenizer_config.json",
     [](json& j) { j["extra_ids"] = 1e12; }, "extra_ids: is not a number of tokens"},
    {"VocabularyOfText", "gpt2-files", "vocab.json", [](json& j) { j["a"] = "b"; },
     "vocab.json and merges.txt: model.vocab.a: is not a token id"},
};

INSTANTIATE_TEST_SUITE_P(Changes, ChangedKindTest, testing::ValuesIn(kChanges),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(HostileKindsTest, SentencePieceModelsThatAreNone) {
  TokenizerFolder folder;
  const std::string piece(
      "\x0a\x05\x0a\x03"
      "abc",
      7);
  const std::pair<std::string, const char*> cases[] = {
      {"", "is not a SentencePiece model"},
      {"QUFB 0\nQUJC 1\n", "is not a SentencePiece model"},  // tiktoken's form, as Llama 3 has it
      {std::string("\x0a\xff\xff\xff\xff\x0f", 6), "is not a SentencePiece model"},
      {std::string("\x0a\x02\x0a\x00", 4), "piece 0 is empty"},
      {std::string("\x0a\x03\x0a\x01\xff", 5), "piece 0 is not UTF-8"},
      {std::string("\x0a\x08\x0a\x01"
                   "a\x15\x00\x00\xc0\x7f",
                   10),
       "a score that is no number"},
      {piece, "has no piece for what is unknown"},
  };
  for (const auto& [content, expected] : cases) {
    folder.Write("tokenizer.model", content);
    absl::Status status = folder.Load().status();
    EXPECT_EQ(ErrorReason(status), "TOKENIZER_INVALID") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/tokenizer.model: "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

TEST(HostileKindsTest, TextFilesMustBeUtf8) {
  TokenizerFolder folder("bert-files");
  folder.Write("vocab.txt", "[UNK]\n\xff\n");
  EXPECT_THAT(std::string(folder.Load().status().message()),
              HasSubstr("vocab.txt: is not UTF-8 at byte 6"));
}

TEST(HostileKindsTest, TextThatAReplaceBlowsUpIsRefused) {
  TokenizerFolder folder("gemma");
  json form = folder.ReadJson(kForm);
  form["normalizer"]["content"] = std::string(1 << 20, 'x');
  folder.Write(kForm, form.dump());
  auto tokenizer = folder.Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  absl::Status status = (*tokenizer)->Encode(std::string(1 << 20, ' ')).status();
  EXPECT_EQ(ErrorReason(status), "TEXT_TOO_HARD") << status;
}

// A character, a value or a stretch of the file is changed: seeded, so that a failure repeats.
class Damage {
 public:
  explicit Damage(uint64_t seed) : random_(seed) {}

  std::string Bytes(std::string content) {
    for (size_t changes = 1 + random_() % 4; changes > 0 && !content.empty(); --changes) {
      size_t at = random_() % content.size();
      switch (random_() % 4) {
        case 0:
          content[at] = "0\"{}[],:\\-ae\x80\n "[random_() % 15];
          break;
        case 1:
          content[at] = static_cast<char>(random_());
          break;
        case 2:
          content.erase(at, 1 + random_() % 9);
          break;
        default:
          content.insert(at, content.substr(random_() % content.size(), random_() % 40));
      }
    }
    return content;
  }

  // One value somewhere inside is replaced.
  void Json(json* value) {
    while (!value->empty() && value->is_structured() && random_() % 5 != 0) {
      auto member = value->begin();
      std::advance(member, random_() % value->size());
      value = &*member;
    }
    static const json* const replacements = new json({nullptr,
                                                      true,
                                                      false,
                                                      0,
                                                      1,
                                                      -1,
                                                      7.5,
                                                      1e300,
                                                      1u << 31,
                                                      "",
                                                      "a",
                                                      "\u2581",
                                                      "BPE",
                                                      "Unigram",
                                                      "WordPiece",
                                                      "Sequence",
                                                      "ByteLevel",
                                                      "always",
                                                      "(a+)+$",
                                                      json::array(),
                                                      json::object(),
                                                      {"a", "b"},
                                                      {{"type", "Sequence"}},
                                                      {{"String", "a"}}});
    *value = (*replacements)[random_() % replacements->size()];
  }

  uint64_t Next() { return random_(); }

 private:
  std::mt19937_64 random_;
};

class DamagedKindTest : public testing::TestWithParam<const char*> {};

TEST_P(DamagedKindTest, GivesAStatusOrATokenizer) {
  const std::string kind = GetParam();
  TokenizerFolder folder(kind);
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& file : std::filesystem::directory_iterator(folder.Path(""))) {
    files.emplace_back(file.path().filename().string(), TokenizerFolder::ReadBytes(file.path()));
  }
  std::sort(files.begin(), files.end());
  Damage damage(20241021);
  int loaded = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (int round = 0; round < 300 && std::chrono::steady_clock::now() < end; ++round) {
    const auto& [name, content] = files[damage.Next() % files.size()];
    std::string changed = content;
    if (name.ends_with(".json") && damage.Next() % 2 == 0) {
      json value = json::parse(content);
      damage.Json(&value);
      changed = value.dump();
    } else {
      changed = damage.Bytes(std::move(changed));
    }
    folder.Write(name, changed);
    auto tokenizer = folder.Load();
    folder.Write(name, content);
    if (!tokenizer.ok()) {
      EXPECT_NE(ErrorReason(tokenizer.status()), "") << tokenizer.status();
      continue;
    }
    ++loaded;
    for (const char* text : {"", "Hello  <s>world</s>, it's 12\n\u4e2d e\u0301 [CLS]", "\u2581a"}) {
      absl::StatusOr<std::vector<int32_t>> ids = (*tokenizer)->Encode(text);
      if (!ids.ok()) continue;
      for (int32_t id : *ids) {
        ASSERT_GE(id, 0);
        ASSERT_LT(id, (*tokenizer)->VocabularySize());
        (*tokenizer)->Piece(id);
      }
    }
  }
  EXPECT_GT(loaded, 0);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 2 << 20) << "KiB";
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedKindTest,
                         testing::Values("llama3", "added", "mistral", "metaspace", "gemma", "t5",
                                         "bert-uncased", "stages-a", "stages-b", "t5-model",
                                         "llama-model", "gemma-model", "bpe-model", "unigram-model",
                                         "gpt2-files", "qwen2-files", "bert-files"));

}  // namespace
}  // namespace ondelette
