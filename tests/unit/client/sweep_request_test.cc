#include "client/commands/sweep_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/errors/errors.h"
#include "common/spec/spec.h"

namespace ondelette::client {
namespace {

using testing::HasSubstr;

TEST(SweepRequest, SpecsComeFromPresetsFilesAndOverrides) {
  std::string path = testing::TempDir() + "/spec_request_test.json";
  std::ofstream(path) << R"({"preset": "paper-table1", "tokens": 200})";
  EXPECT_EQ(ParseSpec(*SpecJsonFromFlags(path, {}))->tokens, 200);
  EXPECT_EQ(ParseSpec(*SpecJsonFromFlags(path, {"tokens=66"}))->tokens, 66);
  EXPECT_EQ(ParseSpec(*SpecJsonFromFlags("paper-table5", {"taper=none"}))->taper, Taper::kNone);
}

TEST(SweepRequest, FaultsNameTheFlagTheFileOrTheField) {
  EXPECT_THAT(ErrorText(SpecJsonFromFlags("nothing", {}).status()), HasSubstr("the presets are"));
  EXPECT_THAT(ErrorText(SpecJsonFromFlags("./nothing.json", {}).status()),
              HasSubstr("./nothing.json"));
  EXPECT_THAT(ErrorText(SpecJsonFromFlags("paper-table5", {"tokens"}).status()),
              HasSubstr("FIELD=VALUE"));
  EXPECT_THAT(ErrorText(SpecJsonFromFlags("paper-table5", {"tokens=-3"}).status()),
              HasSubstr("tokens"));
  SweepFlags flags;
  flags.checkpoints = "step0..step8";
  EXPECT_THAT(ErrorText(SweepRequestFromFlags(flags).status()), HasSubstr("step0..step8"));
}

}  // namespace
}  // namespace ondelette::client
