// The suite that ships with the repository, as a Hugging Face cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/hub/checkpoint_files.h"
#include "worker/hub/hugging_face_cache.h"

namespace ondelette {
namespace {

TEST(SuiteTest, EveryRevisionIsCompleteAndStep1IsAnAliasOfStep0) {
  const std::string model = "ondelette/austen-1m";
  DigestCache digests("");
  HuggingFaceCache cache(ONDELETTE_SOURCE_DIR "/tests/data/hub", &digests);
  absl::StatusOr<std::vector<std::string>> revisions = cache.ListRevisions(model);
  ASSERT_TRUE(revisions.ok()) << revisions.status();
  EXPECT_THAT(*revisions, testing::IsSupersetOf({"main", "step0", "step1"}));
  for (const std::string& revision : *revisions) {
    absl::StatusOr<ResolvedCheckpoint> checkpoint = cache.Resolve(model, revision);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_TRUE(VerifyUnchanged(*checkpoint).ok());
    EXPECT_GT(TotalBytes(*checkpoint), 1'000'000);
  }
  EXPECT_EQ(cache.Resolve(model, "step0")->digest, cache.Resolve(model, "step1")->digest);
  EXPECT_NE(cache.Resolve(model, "step0")->digest, cache.Resolve(model, "main")->digest);
}

}  // namespace
}  // namespace ondelette
