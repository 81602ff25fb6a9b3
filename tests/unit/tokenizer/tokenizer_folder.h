// A folder with a tokenizer's files, for tests that change them.
#ifndef ONDELETTE_TESTS_UNIT_TOKENIZER_TOKENIZER_FOLDER_H_
#define ONDELETTE_TESTS_UNIT_TOKENIZER_TOKENIZER_FOLDER_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette {

// Removed at the end.
class TokenizerFolder {
 public:
  TokenizerFolder() {
    static std::atomic<int> next = 0;
    path_ = absl::StrCat(testing::TempDir(), "/tokenizer_", getpid(), "_", next++);
    std::filesystem::create_directories(path_);
  }
  // A copy of one of the folders under files/.
  explicit TokenizerFolder(const std::string& kind) : TokenizerFolder() {
    for (const auto& file : std::filesystem::directory_iterator(Source(kind))) {
      std::string name = file.path().filename().string();
      if (name != "ids.jsonl" && name != "goldens.jsonl") Write(name, ReadBytes(file.path()));
    }
  }
  ~TokenizerFolder() { std::filesystem::remove_all(path_); }

  static std::string Source(const std::string& kind) {
    return absl::StrCat(ONDELETTE_SOURCE_DIR, "/tests/unit/tokenizer/files/", kind);
  }
  static std::string ReadBytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string Path(const std::string& name) const { return absl::StrCat(path_, "/", name); }
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
  }
  std::string Read(const std::string& name) const { return ReadBytes(Path(name)); }
  nlohmann::json ReadJson(const std::string& name) const {
    return nlohmann::json::parse(Read(name));
  }

  absl::StatusOr<std::unique_ptr<Tokenizer>> Load() const { return LoadTokenizer(path_); }

 private:
  std::string path_;
};

}  // namespace ondelette

#endif  // ONDELETTE_TESTS_UNIT_TOKENIZER_TOKENIZER_FOLDER_H_
