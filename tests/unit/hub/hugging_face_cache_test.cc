#include "worker/hub/hugging_face_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "tests/unit/hub/test_folder.h"

namespace ondelette {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A cache as huggingface_hub leaves it, with the model o/m.
class HuggingFaceCacheTest : public testing::Test {
 protected:
  // Commits are 40 digits that begin with `digits`.
  static std::string Commit(const std::string& digits) {
    return digits + std::string(40 - digits.size(), '0');
  }

  void Publish(const std::string& revision, const std::string& digits, const std::string& weights) {
    std::string snapshot = absl::StrCat("models--o--m/snapshots/", Commit(digits));
    if (!revision.empty()) hub_.Write("models--o--m/refs/" + revision, Commit(digits));
    std::string blob = Sha256Of(weights);
    hub_.Write("models--o--m/blobs/" + blob, weights);
    hub_.Link(snapshot + "/model.safetensors", "../../blobs/" + blob);
    hub_.Write("models--o--m/blobs/0123456789012345678901234567890123456789", "{}");
    hub_.Link(snapshot + "/config.json", "../../blobs/0123456789012345678901234567890123456789");
  }

  absl::StatusOr<ResolvedCheckpoint> Resolve(const std::string& revision) {
    return cache_.Resolve("o/m", revision);
  }

  TestFolder hub_;
  DigestCache digests_{""};
  HuggingFaceCache cache_{hub_.path(), &digests_};
};

TEST_F(HuggingFaceCacheTest, ResolvesRefsCommitsAndPrefixes) {
  Publish("main", "abcd1", "one");
  Publish("step10", "abcd2", "ten");
  Publish("refs/pr/1", "beef", "pr");
  Publish("", "dead", "unnamed");
  for (const std::string& revision :
       {std::string("step10"), Commit("abcd2"), std::string("abcd2")}) {
    absl::StatusOr<ResolvedCheckpoint> checkpoint = Resolve(revision);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->commit, Commit("abcd2"));
    EXPECT_EQ(checkpoint->model, "o/m");
    EXPECT_EQ(checkpoint->revision, revision);
    EXPECT_EQ(checkpoint->folder, hub_ / "models--o--m/snapshots/" + Commit("abcd2"));
    ASSERT_EQ(checkpoint->files.size(), 2u);
    EXPECT_EQ(checkpoint->files[1].path, hub_ / "models--o--m/blobs/" + Sha256Of("ten"));
    EXPECT_EQ(checkpoint->files[1].bytes, 3);
  }
  EXPECT_EQ(Resolve("")->commit, Commit("abcd1"));
  EXPECT_EQ(Resolve("")->revision, "main");
  EXPECT_EQ(Resolve("refs/pr/1")->commit, Commit("beef"));
  EXPECT_EQ(Resolve("dead")->commit, Commit("dead"));
  EXPECT_THAT(*cache_.ListRevisions("o/m"),
              ElementsAre(Commit("dead"), "main", "refs/pr/1", "step10"));

  absl::Status ambiguous = Resolve("abcd").status();
  EXPECT_EQ(ambiguous.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(ambiguous), "REVISION_AMBIGUOUS");
  EXPECT_EQ(ErrorReason(Resolve("abc").status()), "REVISION_NOT_FOUND");  // too short a prefix
}

TEST_F(HuggingFaceCacheTest, ARefWinsOverAPrefix) {
  Publish("beef", "abcd", "one");
  Publish("step1", "beef", "two");
  EXPECT_EQ(Resolve("beef")->commit, Commit("abcd"));
}

TEST_F(HuggingFaceCacheTest, EqualWeightsAreAliases) {
  Publish("step0", "aaaa", "same");
  Publish("step1", "bbbb", "same");
  Publish("step2", "cccc", "other");
  EXPECT_EQ(Resolve("step0")->digest, Resolve("step1")->digest);
  EXPECT_NE(Resolve("step0")->digest, Resolve("step2")->digest);
}

TEST_F(HuggingFaceCacheTest, PlainCopiesAreAsGoodAsLinks) {
  Publish("links", "aaaa", "same");
  hub_.Write("models--o--m/refs/copies", Commit("bbbb") + "\n");
  std::string snapshot = "models--o--m/snapshots/" + Commit("bbbb");
  hub_.Write(snapshot + "/config.json", "{}");
  hub_.Write(snapshot + "/model.safetensors", "same");
  EXPECT_EQ(Resolve("links")->digest, Resolve("copies")->digest);
}

TEST_F(HuggingFaceCacheTest, ABlobMustBeWhatItIsCalled) {
  Publish("main", "aaaa", "weights");
  hub_.Write("models--o--m/blobs/" + Sha256Of("weights"), "weighty");
  absl::Status status = Resolve("main").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_CORRUPT");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/blobs/" + Sha256Of("weights")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("model.safetensors"));
}

TEST_F(HuggingFaceCacheTest, HalfADownloadIsIncomplete) {
  Publish("main", "aaaa", "weights");
  hub_.Write("models--o--m/refs/later", Commit("ffff"));
  absl::Status status = Resolve("later").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  std::filesystem::remove(hub_ / "models--o--m/blobs/" + Sha256Of("weights"));
  EXPECT_EQ(ErrorReason(Resolve("main").status()), "CHECKPOINT_INCOMPLETE");
}

TEST_F(HuggingFaceCacheTest, UnknownRevisionNamesTheNearest) {
  for (int step = 0; step < 30; ++step) {
    Publish(absl::StrCat("step", step * 1000), absl::StrCat(1000 + step), "w");
  }
  absl::Status status = Resolve("step1O000").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "REVISION_NOT_FOUND");
  EXPECT_NE(ErrorRemedy(status), "");
  EXPECT_THAT(std::string(status.message()), HasSubstr("o/m has no revision \"step1O000\""));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("it has 30, the nearest step1000, step10000"));
}

TEST_F(HuggingFaceCacheTest, NamesCannotLeadOut) {
  Publish("main", "aaaa", "w");
  TestFolder outside;
  outside.WriteCheckpoint("models--x", "w");
  for (const std::string& model :
       {"../" + outside.path().substr(outside.path().rfind('/') + 1) + "/x", std::string("/o/m"),
        std::string("o/m/"), std::string("o//m"), std::string("o/../m"), std::string(".."),
        std::string(), std::string("o/m\0x", 5), std::string("o--m"), outside.path()}) {
    absl::Status status = cache_.Resolve(model, "main").status();
    EXPECT_EQ(ErrorReason(status), "MODEL_NOT_FOUND") << model << " " << status;
  }
  hub_.Write("models--o--m/secret", Commit("aaaa"));
  for (const std::string& revision :
       {std::string("../secret"), std::string("/secret"), std::string("a/../../secret"),
        std::string("a//b"), std::string("a\0b", 3), std::string("./main"),
        std::string(300, 'a')}) {
    absl::Status status = Resolve(revision).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << revision << " " << status;
  }
  hub_.Write("models--o--m/refs/evil", "../../../" + outside.path());
  absl::Status status = Resolve("evil").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("refs/evil does not hold a commit"));
  EXPECT_EQ(ErrorReason(Resolve("refs").status()), "REVISION_NOT_FOUND");
}

TEST_F(HuggingFaceCacheTest, ThreadsResolveAtOnce) {
  for (int step = 0; step < 8; ++step) {
    Publish(absl::StrCat("step", step), absl::StrCat("abc", step), absl::StrCat("w", step / 2));
  }
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int step = 0; step < 8; ++step) {
        absl::StatusOr<ResolvedCheckpoint> checkpoint = Resolve(absl::StrCat("step", step));
        ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
        EXPECT_EQ(checkpoint->files[1].sha256, Sha256Of(absl::StrCat("w", step / 2)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ondelette
