#include "worker/agent/log.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace ondelette::agent {

void Log(absl::string_view text) {
  const std::string line = absl::StrCat("ondelette-worker: ", text, "\n");
  // One write a line. A log that cannot be written must not stop the work.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ondelette::agent
