// The worker's log: one line a message on stderr, for people.
#ifndef ONDELETTE_WORKER_AGENT_LOG_H_
#define ONDELETTE_WORKER_AGENT_LOG_H_

#include "absl/strings/string_view.h"

namespace ondelette::agent {

// Writes "ondelette-worker: `text`". Thread-safe; lines of several threads never mix.
void Log(absl::string_view text);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_LOG_H_
