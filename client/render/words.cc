#include "client/render/words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace ondelette::client {
namespace {

std::string Word(absl::string_view name, absl::string_view prefix) {
  absl::ConsumePrefix(&name, prefix);
  return absl::AsciiStrToLower(name);
}

}  // namespace

std::string StateWord(v1::SweepState state) {
  return Word(v1::SweepState_Name(state), "SWEEP_STATE_");
}
std::string StateWord(v1::CheckpointState state) {
  return Word(v1::CheckpointState_Name(state), "CHECKPOINT_STATE_");
}
std::string StateWord(v1::JobState state) { return Word(v1::JobState_Name(state), "JOB_STATE_"); }

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::LocalTimeZone());
}

std::string ErrorLine(const v1::Error& error) {
  return error.remedy().empty() ? error.message()
                                : absl::StrCat(error.message(), " (", error.remedy(), ")");
}

Cell ErrorCell(const v1::Error& error) {
  if (error.message().empty()) return {};
  return ErrorLine(error);
}

}  // namespace ondelette::client
