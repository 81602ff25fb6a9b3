#include "client/render/progress.h"

#include <unistd.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace ondelette::client {
namespace {

constexpr int kBarWidth = 24;
constexpr absl::Duration kTerminalInterval = absl::Milliseconds(100);
constexpr absl::Duration kLogInterval = absl::Seconds(5);

}  // namespace

std::string DurationText(absl::Duration duration) {
  int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds >= 3600)
    return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1), start_(absl::Now()) {}

std::string Progress::Line(const v1::JobCounts& jobs, int64_t unresolved_checkpoints) const {
  int64_t ended = jobs.succeeded() + jobs.failed() + jobs.cancelled();
  int filled = jobs.total() == 0 ? 0 : static_cast<int>(kBarWidth * ended / jobs.total());
  absl::Duration elapsed = absl::Now() - start_;
  std::string line =
      absl::StrCat("[", std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "] ", ended,
                   "/", jobs.total(), " jobs, ", jobs.leased(), " running");
  if (jobs.failed() > 0) absl::StrAppend(&line, ", ", jobs.failed(), " failed");
  if (unresolved_checkpoints > 0)
    absl::StrAppend(&line, ", ", unresolved_checkpoints, " checkpoints to resolve");
  absl::StrAppend(&line, ", ", DurationText(elapsed));
  if (ended > 0 && ended < jobs.total()) {
    double share = static_cast<double>(jobs.total() - ended) / static_cast<double>(ended);
    absl::StrAppend(&line, ", about ", DurationText(elapsed * share), " left");
  }
  return line;
}

void Progress::Update(const v1::JobCounts& jobs, int64_t unresolved_checkpoints) {
  latest_ = Line(jobs, unresolved_checkpoints);
  absl::Time now = absl::Now();
  if (now - last_ < (terminal_ ? kTerminalInterval : kLogInterval)) return;
  last_ = now;
  Show();
}

void Progress::Show() {
  shown_ = latest_;
  if (terminal_) {
    std::cerr << "\r\033[K" << shown_ << std::flush;
  } else {
    std::cerr << shown_ << '\n';
  }
}

void Progress::Note(const std::string& line) {
  if (terminal_) std::cerr << "\r\033[K";
  std::cerr << line << '\n';
  if (terminal_) std::cerr << shown_ << std::flush;
}

void Progress::Finish() {
  if (shown_ != latest_) Show();
  if (terminal_ && !shown_.empty()) std::cerr << '\n';
}

}  // namespace ondelette::client
