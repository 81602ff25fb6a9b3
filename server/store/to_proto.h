// What the store keeps, as the messages that clients see (events are kept in that form too).
// Pure functions.
#ifndef ONDELETTE_SERVER_STORE_TO_PROTO_H_
#define ONDELETTE_SERVER_STORE_TO_PROTO_H_

#include <vector>

#include "ondelette/v1/corpus.pb.h"
#include "ondelette/v1/sweep.pb.h"
#include "server/store/rows.h"

namespace ondelette::server {

v1::JobCounts ToProto(const JobCounts& counts);
v1::Job ToProto(const StoredJob& job);
v1::Corpus ToProto(const StoredCorpus& corpus);

// "MODEL@REVISION".
std::string CheckpointName(const StoredCheckpoint& checkpoint);

// `owner` is the checkpoint that is computed where this one is an alias, else null: an alias shows
// the owner's jobs, shape and skipped sequences.
v1::Checkpoint ToProto(const StoredCheckpoint& checkpoint, const StoredCheckpoint* owner);

// `checkpoints` are the sweep's, in listing order, or empty where they are not wanted.
v1::Sweep ToProto(const StoredSweep& sweep, const std::vector<StoredCheckpoint>& checkpoints);

google::protobuf::Timestamp ToProto(absl::Time time);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_TO_PROTO_H_
