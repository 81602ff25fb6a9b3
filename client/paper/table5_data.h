// What table 5 is made of: a sweep's means, correlations and control patterns, as the coordinator
// has them.
#ifndef ONDELETTE_CLIENT_PAPER_TABLE5_DATA_H_
#define ONDELETTE_CLIENT_PAPER_TABLE5_DATA_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "client/commands/session.h"

namespace ondelette::client {

using CheckpointName = std::pair<std::string, std::string>;  // model, revision

struct CheckpointFigures {
  std::map<std::string, double> means;  // over heads, by column label
  // "rho" and "rho_sink_dropped", each also with "_key_shuffled": the mean over layers
  std::map<std::string, double> rhos;
  bool complete = false;
};

struct Table5Data {
  v1::Sweep sweep;
  std::map<CheckpointName, CheckpointFigures> figures;
  v1::ControlRows patterns;
};

// Asks for everything. `sweep` is an id, the beginning of one, or a name.
absl::StatusOr<Table5Data> ReadTable5(Session& session, const std::string& sweep);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_PAPER_TABLE5_DATA_H_
