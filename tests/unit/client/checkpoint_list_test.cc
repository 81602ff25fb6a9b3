#include "client/commands/checkpoint_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors/errors.h"

namespace ondelette::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CheckpointList, ExpandsTheListOfTheManual) {
  auto names = *ExpandCheckpoints("step0,step1..step512,step1000:143000:1000,main");
  EXPECT_EQ(names.size(), 1 + 10 + 143 + 1);
  EXPECT_EQ(names[1], "step1");
  EXPECT_EQ(names[10], "step512");
  EXPECT_EQ(names[11], "step1000");
  EXPECT_EQ(names[153], "step143000");
  EXPECT_EQ(names[154], "main");
}

TEST(CheckpointList, KeepsOrderAndDropsRepeats) {
  EXPECT_THAT(*ExpandCheckpoints("b, a,b"), ElementsAre("b", "a"));
  EXPECT_THAT(*ExpandCheckpoints("step3..step12"), ElementsAre("step3", "step6", "step12"));
  EXPECT_THAT(*ExpandCheckpoints("8:24:8"), ElementsAre("8", "16", "24"));
  EXPECT_THAT(*ExpandCheckpoints("step1..4"), ElementsAre("step1", "step2", "step4"));
}

TEST(CheckpointList, NamesThePartItCannotRead) {
  for (const char* list :
       {"", "a,,b", "step1..step3", "step0..step8", "step8..step4", "step1..main", "main..step4",
        "1:2", "1:10:0", "10:1:1", "1:10:2", "1:99999999999:1", "step1:other9:1",
        "1:99999999999999999999:1", "step5:9:x"}) {
    absl::Status status = ExpandCheckpoints(list).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << list;
    EXPECT_THAT(ErrorText(status), HasSubstr("--checkpoints")) << list;
  }
}

}  // namespace
}  // namespace ondelette::client
