// Table 5 of the paper for a sweep: its five figures a checkpoint, the published ones where model
// and step match, and the controls that say what a figure would be anyway.
#ifndef ONDELETTE_CLIENT_PAPER_TABLE5_H_
#define ONDELETTE_CLIENT_PAPER_TABLE5_H_

#include <ostream>

#include "absl/status/status.h"
#include "client/commands/session.h"

namespace ondelette::client {

// Asks the coordinator for the sweep's aggregates and writes the table in the session's output
// form.
absl::Status PrintTable5(Session& session, const std::string& sweep, std::ostream& out);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_PAPER_TABLE5_H_
