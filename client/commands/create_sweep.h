// Submitting a sweep: its corpus first, then the request.
#ifndef ONDELETTE_CLIENT_COMMANDS_CREATE_SWEEP_H_
#define ONDELETTE_CLIENT_COMMANDS_CREATE_SWEEP_H_

#include "absl/status/statusor.h"
#include "client/commands/session.h"
#include "client/commands/sweep_request.h"

namespace ondelette::client {

// Uploads the corpus if it is a file, and creates the sweep. Repeating it with the same flags
// answers the same sweep.
absl::StatusOr<v1::Sweep> CreateSweep(Session& session, const SweepFlags& flags);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_CREATE_SWEEP_H_
