#include "worker/hub/digest_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "tests/unit/hub/test_folder.h"

namespace ondelette {
namespace {

using testing::HasSubstr;

std::string Content(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Files old enough for their digests to be remembered: one that has just changed may change again
// unseen. Made once, since that takes a wait.
class DigestCacheTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    settled_ = new TestFolder();
    settled_->Write("a file", "one");
    settled_->Write("b", "two");
    settled_->Write("to change", "one");
    settled_->Link("link", "a file");
    for (int i = 0; i < 20; ++i) settled_->Write(absl::StrCat("f", i), absl::StrCat(i));
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  }
  static void TearDownTestSuite() { delete settled_; }

  static std::string Settled(const std::string& name) { return *settled_ / name; }

  TestFolder folder_;

 private:
  static TestFolder* settled_;
};

TestFolder* DigestCacheTest::settled_ = nullptr;

TEST_F(DigestCacheTest, ReadsEachFileOnceAcrossProcesses) {
  {
    DigestCache digests(folder_ / "cache");
    EXPECT_EQ(digests.Hash(Settled("a file"))->sha256, Sha256Of("one"));
    EXPECT_EQ(digests.Hash(Settled("link"))->sha256, Sha256Of("one"));
    EXPECT_EQ(digests.Hash(Settled("link"))->canonical_path, Settled("a file"));
    EXPECT_EQ(digests.Hash(Settled("b"))->stamp.bytes, 3);
    EXPECT_EQ(digests.FilesRead(), 2);
    EXPECT_TRUE(digests.Save().ok());
  }
  DigestCache digests(folder_ / "cache");
  EXPECT_EQ(digests.Hash(Settled("link"))->sha256, Sha256Of("one"));
  EXPECT_EQ(digests.Hash(Settled("b"))->sha256, Sha256Of("two"));
  EXPECT_EQ(digests.FilesRead(), 0);
}

TEST_F(DigestCacheTest, SeesAChangeThatKeepsSizeAndTime) {
  DigestCache digests("");
  EXPECT_EQ(digests.Hash(Settled("to change"))->sha256, Sha256Of("one"));
  struct stat info {};
  ASSERT_EQ(stat((Settled("to change")).c_str(), &info), 0);
  std::ofstream(Settled("to change")) << "two";
  timespec times[2] = {info.st_atim, info.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, (Settled("to change")).c_str(), times, 0), 0);
  EXPECT_EQ(digests.Hash(Settled("to change"))->sha256, Sha256Of("two"));
}

TEST_F(DigestCacheTest, DoesNotTrustAFileThatHasJustChanged) {
  folder_.Write("a", "one");
  DigestCache digests("");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(digests.Hash(folder_ / "a").ok());
  EXPECT_EQ(digests.FilesRead(), 2);
}

TEST_F(DigestCacheTest, DamagedMemoryIsReportedAndStartedAnew) {
  std::string file = folder_ / "cache/digests";
  {
    DigestCache digests(folder_ / "cache");
    ASSERT_TRUE(digests.Hash(Settled("a file")).ok());
    ASSERT_TRUE(digests.Save().ok());
  }
  std::string good = Content(file);
  std::string flipped = good;  // one digit of a digest
  flipped[good.find(Sha256Of("one"))] = 'x';
  for (const std::string& damaged : {flipped, good.substr(0, good.size() - 5), std::string(),
                                     std::string(500, '\0'), good + good}) {
    folder_.Write("cache/digests", damaged);
    testing::internal::CaptureStderr();
    DigestCache digests(folder_ / "cache");
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(file));
    EXPECT_EQ(digests.Hash(Settled("a file"))->sha256, Sha256Of("one"));
    EXPECT_EQ(digests.FilesRead(), 1);
    testing::internal::CaptureStderr();
    EXPECT_TRUE(digests.Save().ok());
    testing::internal::GetCapturedStderr();
    EXPECT_EQ(Content(file), good);
  }
}

TEST_F(DigestCacheTest, WorkersShareOneFolder) {
  DigestCache first(folder_ / "cache");
  DigestCache second(folder_ / "cache");
  ASSERT_TRUE(first.Hash(Settled("a file")).ok() && first.Save().ok());
  ASSERT_TRUE(second.Hash(Settled("b")).ok() && second.Save().ok());
  DigestCache third(folder_ / "cache");
  EXPECT_TRUE(third.Hash(Settled("a file")).ok() && third.Hash(Settled("b")).ok());
  EXPECT_EQ(third.FilesRead(), 0);
}

TEST_F(DigestCacheTest, AFolderThatCannotBeWrittenIsAStatus) {
  folder_.Write("cache", "a file where the folder should be");
  DigestCache digests(folder_ / "cache");
  EXPECT_EQ(digests.Hash(Settled("a file"))->sha256, Sha256Of("one"));
  EXPECT_EQ(digests.Save().code(), absl::StatusCode::kUnavailable);
}

TEST_F(DigestCacheTest, ThreadsShareOneCache) {
  DigestCache digests(folder_ / "cache");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        int file = (i + t * 5) % 20;
        EXPECT_EQ(digests.Hash(Settled(absl::StrCat("f", file)))->sha256,
                  Sha256Of(absl::StrCat(file)));
        EXPECT_TRUE(digests.Save().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  DigestCache again(folder_ / "cache");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(again.Hash(Settled(absl::StrCat("f", i))).ok());
  EXPECT_EQ(again.FilesRead(), 0);
}

}  // namespace
}  // namespace ondelette
