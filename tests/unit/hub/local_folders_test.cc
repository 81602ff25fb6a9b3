#include "worker/hub/local_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/errors/errors.h"
#include "tests/unit/hub/test_folder.h"

namespace ondelette {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LocalFoldersTest : public testing::Test {
 protected:
  TestFolder root_;
  DigestCache digests_{""};
  LocalFolders source_{root_.path(), &digests_};
};

TEST_F(LocalFoldersTest, AFolderThatIsACheckpointIsMain) {
  root_.WriteCheckpoint("o/m", "w");
  for (const std::string& model : {std::string("o/m"), root_ / "o/m", root_ / "o/../o/m/"}) {
    absl::StatusOr<ResolvedCheckpoint> checkpoint = source_.Resolve(model, "");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->folder, root_ / "o/m");
    EXPECT_EQ(checkpoint->model, model);
    EXPECT_EQ(checkpoint->revision, "main");
    EXPECT_EQ(checkpoint->commit, "");
  }
  absl::Status status = source_.Resolve("o/m", "step1").status();
  EXPECT_EQ(ErrorReason(status), "REVISION_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("it has 1: main"));
}

TEST_F(LocalFoldersTest, SubFoldersAreRevisions) {
  root_.WriteCheckpoint("m/step10", "ten");
  root_.WriteCheckpoint("m/step2", "two");
  root_.WriteCheckpoint("m/run/step1", "one");
  root_.Write("m/notes/text", "no checkpoint");
  EXPECT_THAT(*source_.ListRevisions("m"), ElementsAre("step2", "step10"));
  EXPECT_EQ(source_.Resolve("m", "step10")->folder, root_ / "m/step10");
  EXPECT_EQ(source_.Resolve("m", "run/step1")->folder, root_ / "m/run/step1");
  EXPECT_EQ(ErrorReason(source_.Resolve("m", "main").status()), "REVISION_NOT_FOUND");
  EXPECT_EQ(ErrorReason(source_.Resolve("m", "notes").status()), "REVISION_NOT_FOUND");
  root_.WriteCheckpoint("m/main", "main");
  EXPECT_EQ(source_.Resolve("m", "")->folder, root_ / "m/main");
  root_.WriteCheckpoint("m", "itself");
  EXPECT_EQ(source_.Resolve("m", "")->folder, root_ / "m");
  EXPECT_THAT(*source_.ListRevisions("m"), ElementsAre("main", "step2", "step10"));
}

TEST_F(LocalFoldersTest, MissingFilesAreNamed) {
  root_.Write("m/config.json", "{}");
  absl::Status status = source_.Resolve("m", "").status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  EXPECT_THAT(std::string(status.message()), HasSubstr(root_ / "m has no weights"));
  status = source_.Resolve("n", "").status();
  EXPECT_EQ(ErrorReason(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr(root_ / "n or ./n"));
}

TEST_F(LocalFoldersTest, NamesCannotLeadOut) {
  TestFolder outside;
  outside.WriteCheckpoint(".", "w");
  std::string name = outside.path().substr(outside.path().rfind('/') + 1);
  root_.WriteCheckpoint("m/step1", "w");
  for (const std::string& model :
       std::vector<std::string>{"m/../../" + name, "m/./x", "m//x", "", "m/", "m\\x", "\n"}) {
    absl::Status status = source_.Resolve(model, "").status();
    EXPECT_EQ(ErrorReason(status), "MODEL_INVALID") << model << " " << status;
  }
  EXPECT_EQ(ErrorReason(source_.Resolve(std::string("/\0x", 3), "").status()), "MODEL_INVALID");
  for (const std::string& revision : {"../../" + name, std::string("/") + outside.path(),
                                      std::string("step1/../step1"), std::string("..")}) {
    absl::Status status = source_.Resolve("m", revision).status();
    EXPECT_EQ(ErrorReason(status), "REVISION_INVALID") << revision << " " << status;
  }
}

}  // namespace
}  // namespace ondelette
