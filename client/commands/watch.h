// Watching a sweep until it ends, over reconnections.
#ifndef ONDELETTE_CLIENT_COMMANDS_WATCH_H_
#define ONDELETTE_CLIENT_COMMANDS_WATCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/commands/session.h"

namespace ondelette::client {

struct WatchEnd {
  v1::SweepState state = v1::SWEEP_STATE_UNSPECIFIED;
  bool detached = false;  // Ctrl-C
  uint64_t cursor = 0;    // of the last event seen
};

// Shows progress on stderr until the sweep ends or Ctrl-C. A coordinator that goes away is waited
// for, for a minute. `healthy`, if given, is asked now and then from another thread; its first
// error ends the watch.
absl::StatusOr<WatchEnd> WatchSweep(Session& session, const std::string& sweep, uint64_t cursor,
                                    std::function<absl::Status()> healthy = nullptr);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_WATCH_H_
