// Encode on texts that are invalid, very long, or hard for the file's own pattern; and from
// threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette {
namespace {

using testing::HasSubstr;

const char kFiles[] = ONDELETTE_SOURCE_DIR "/tests/unit/tokenizer/files/";

std::unique_ptr<Tokenizer> Load(const char* form) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> loaded = LoadTokenizer(absl::StrCat(kFiles, form));
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return *std::move(loaded);
}

TEST(TextTest, InvalidUtf8IsNamedByItsByte) {
  std::unique_ptr<Tokenizer> tokenizer = Load("neox");
  struct Case {
    std::string text;
    const char* expected;
  };
  const Case cases[] = {
      {"ab\xff", "at byte 2"},
      {"\x80", "at byte 0"},
      {"\xe4\xb8\xad\xe4\xb8", "at byte 3"},  // cut
      {"a\xc0\xaf", "at byte 1"},             // overlong
      {"a\xed\xa0\x80", "at byte 1"},         // a surrogate
      {"\xf4\x90\x80\x80", "at byte 0"},      // above U+10FFFF
  };
  for (const Case& c : cases) {
    absl::Status status = tokenizer->Encode(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(status), "TEXT_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.expected));
  }
}

TEST(TextTest, TooLongIsRefused) {
  absl::Status status =
      Load("neox")->Encode(std::string(Tokenizer::kMaxTextBytes + 1, 'a')).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

// One word, or one run of white space, as long as a text may be: neither the matcher's stack nor
// the merge loop may grow faster than the text.
TEST(TextTest, LongRunsTakeLinearTime) {
  constexpr size_t kBytes = size_t{1} << 20;
  for (const char* form : {"neox", "llama3", "qwen2", "added"}) {
    std::unique_ptr<Tokenizer> tokenizer = Load(form);
    std::string newlines;
    for (size_t i = 0; i < kBytes / 2; ++i) newlines += " \n";
    for (const std::string& text :
         {std::string(kBytes, 'a'), std::string(kBytes, '\t'), std::string(kBytes, '7'),
          std::string(kBytes, '='), std::string(kBytes, '\n') + "x", newlines + "x"}) {
      auto start = std::chrono::steady_clock::now();
      absl::StatusOr<std::vector<int32_t>> ids = tokenizer->Encode(text);
      EXPECT_TRUE(ids.ok()) << ids.status() << " " << form << " " << text.substr(0, 2);
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30))
          << form << " " << text.substr(0, 2);
    }
  }
}

TEST(TextTest, LongestTextIsEncoded) {
  EXPECT_TRUE(Load("neox")->Encode(std::string(Tokenizer::kMaxTextBytes, 'e')).ok());
  EXPECT_TRUE(Load("llama3")->Encode(std::string(Tokenizer::kMaxTextBytes, ' ')).ok());
}

TEST(TextTest, CatastrophicPatternIsStopped) {
  std::ifstream file(absl::StrCat(kFiles, "neox/tokenizer.json"));
  nlohmann::json json = nlohmann::json::parse(file);
  std::string folder = absl::StrCat(testing::TempDir(), "/catastrophic_", getpid());
  std::filesystem::create_directories(folder);
  for (const char* pattern : {"(a+)+$", "(a|aa)+$", "(?:a?){60}a{60}", "(.*)*\\1x"}) {
    json["pre_tokenizer"] = {{"type", "Split"},
                             {"pattern", {{"Regex", pattern}}},
                             {"behavior", "Isolated"},
                             {"invert", false}};
    std::ofstream(absl::StrCat(folder, "/tokenizer.json")) << json;
    absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(folder);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    auto start = std::chrono::steady_clock::now();
    absl::Status status = (*tokenizer)->Encode(std::string(50, 'a') + "b").status();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << pattern;
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(ErrorReason(status), "TEXT_TOO_HARD");
  }
  std::filesystem::remove_all(folder);
}

TEST(TextTest, ThreadsShareOneTokenizer) {
  std::unique_ptr<Tokenizer> tokenizer = Load("neox");
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> expected;
  std::ifstream file(absl::StrCat(kFiles, "neox/goldens.jsonl"));
  for (std::string line; std::getline(file, line);) {
    nlohmann::json golden = nlohmann::json::parse(line);
    texts.push_back(golden["text"]);
    expected.push_back(golden["ids"]);
  }
  std::vector<std::thread> threads;
  for (size_t offset = 0; offset < 8; ++offset) {
    threads.emplace_back([&, offset] {
      for (size_t i = 0; i < texts.size(); ++i) {
        size_t index = (i + offset * 37) % texts.size();
        EXPECT_EQ(*tokenizer->Encode(texts[index]), expected[index]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ondelette
