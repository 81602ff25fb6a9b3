// A folder of real files for one test, removed with it.
#ifndef ONDELETTE_TESTS_UNIT_HUB_TEST_FOLDER_H_
#define ONDELETTE_TESTS_UNIT_HUB_TEST_FOLDER_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace ondelette {

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = absl::StrCat(testing::TempDir(), "/hub_XXXXXX");
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot make " << pattern;
    path_ = std::filesystem::canonical(pattern).string();
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return absl::StrCat(path_, "/", name); }

  void Write(const std::string& name, const std::string& content) const {
    std::filesystem::path file(*this / name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
  }
  void Link(const std::string& name, const std::string& target) const {
    std::filesystem::path link(*this / name);
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(target, link);
  }
  void WriteCheckpoint(const std::string& folder, const std::string& weights) const {
    Write(absl::StrCat(folder, "/config.json"), "{}");
    Write(absl::StrCat(folder, "/tokenizer.json"), "{\"model\": 1}");
    Write(absl::StrCat(folder, "/model.safetensors"), weights);
  }

 private:
  std::string path_;
};

}  // namespace ondelette

#endif  // ONDELETTE_TESTS_UNIT_HUB_TEST_FOLDER_H_
