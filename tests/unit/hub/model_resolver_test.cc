#include "worker/hub/model_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/errors/errors.h"
#include "tests/unit/hub/test_folder.h"
#include "worker/hub/hugging_face_cache.h"
#include "worker/hub/local_folders.h"
#include "worker/hub/revision_names.h"

namespace ondelette {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ModelResolverTest : public testing::Test {
 protected:
  ModelResolverTest() {
    std::vector<std::unique_ptr<ModelSource>> sources;
    sources.push_back(std::make_unique<LocalFolders>(root_.path(), &digests_));
    sources.push_back(std::make_unique<HuggingFaceCache>(hub_.path(), &digests_));
    resolver_ = std::make_unique<ModelResolver>(std::move(sources));
  }
  void Publish(const std::string& revision, char digit, const std::string& weights) {
    std::string commit(40, digit);
    hub_.Write("models--o--m/refs/" + revision, commit);
    hub_.WriteCheckpoint("models--o--m/snapshots/" + commit, weights);
  }

  TestFolder root_;
  TestFolder hub_;
  DigestCache digests_{""};
  std::unique_ptr<ModelResolver> resolver_;
};

TEST_F(ModelResolverTest, TheFirstSourceThatHasItGivesIt) {
  root_.WriteCheckpoint("o/m/step1", "folder");
  Publish("step1", 'a', "cache");
  Publish("step20", 'b', "cache");
  EXPECT_EQ(resolver_->Resolve("o/m", "step1")->folder, root_ / "o/m/step1");
  EXPECT_EQ(resolver_->Resolve("o/m", "step20")->commit, std::string(40, 'b'));
  EXPECT_THAT(*resolver_->ListRevisions("o/m"), ElementsAre("step1", "step20"));
}

TEST_F(ModelResolverTest, SaysWhereItLooked) {
  Publish("step1", 'a', "cache");
  absl::Status status = resolver_->Resolve("o/m", "step2").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "REVISION_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("cannot find o/m at step2: "), HasSubstr(root_ / "o/m"),
                    HasSubstr(hub_ / "models--o--m"), HasSubstr("it has 1: step1")));
  status = resolver_->Resolve("o/n", "").status();
  EXPECT_EQ(ErrorReason(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("o/n at main"), HasSubstr(hub_ / "models--o--n")));
  EXPECT_EQ(ErrorReason(resolver_->ListRevisions("o/n").status()), "MODEL_NOT_FOUND");
}

TEST_F(ModelResolverTest, GoesOnAfterHalfADownloadButNotAfterDamage) {
  root_.Write("o/m/config.json", "{}");
  EXPECT_EQ(ErrorReason(resolver_->Resolve("o/m", "").status()), "CHECKPOINT_INCOMPLETE");
  Publish("main", 'a', "cache");
  EXPECT_EQ(resolver_->Resolve("o/m", "")->commit, std::string(40, 'a'));
  root_.Write("o/m/model.safetensors.index.json", "damaged");
  EXPECT_EQ(resolver_->Resolve("o/m", "").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ModelResolverTest, NoSourceAtAll) {
  ModelResolver none({});
  EXPECT_EQ(ErrorReason(none.Resolve("o/m", "").status()), "MODEL_NOT_FOUND");
  EXPECT_EQ(ErrorReason(none.ListRevisions("o/m").status()), "MODEL_NOT_FOUND");
}

TEST(SortNaturallyTest, NumbersCountAsNumbers) {
  std::vector<std::string> names = {"step10",  "step1-b", "main", "step9",
                                    "step1-a", "step01",  "step", "step1"};
  hub::SortNaturally(&names);
  EXPECT_THAT(names, ElementsAre("main", "step", "step01", "step1", "step1-a", "step1-b", "step9",
                                 "step10"));
}

}  // namespace
}  // namespace ondelette
