// The progress line on stderr: one line that is redrawn on a terminal, a line now and then
// elsewhere.
#ifndef ONDELETTE_CLIENT_RENDER_PROGRESS_H_
#define ONDELETTE_CLIENT_RENDER_PROGRESS_H_

#include <string>

#include "absl/time/time.h"
#include "ondelette/v1/sweep.pb.h"

namespace ondelette::client {

// Not thread-safe.
class Progress {
 public:
  Progress();

  // Redraws, with what happened most recently.
  void Update(const v1::JobCounts& jobs, int64_t unresolved_checkpoints);
  // Prints a line that stays.
  void Note(const std::string& line);
  // Leaves the newest line standing.
  void Finish();

 private:
  std::string Line(const v1::JobCounts& jobs, int64_t unresolved_checkpoints) const;

  void Show();

  const bool terminal_;
  const absl::Time start_;
  absl::Time last_ = absl::InfinitePast();
  std::string latest_;
  std::string shown_;
};

// "1:02:03", "2:03".
std::string DurationText(absl::Duration duration);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_RENDER_PROGRESS_H_
