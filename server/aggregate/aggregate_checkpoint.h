// Computes the aggregates of a checkpoint and keeps them in the store.
#ifndef ONDELETTE_SERVER_AGGREGATE_AGGREGATE_CHECKPOINT_H_
#define ONDELETTE_SERVER_AGGREGATE_AGGREGATE_CHECKPOINT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace ondelette::server {

// Of a checkpoint all of whose jobs succeeded; of an alias, those of the checkpoint it names. No-op
// where they are there. Idempotent and thread-safe: it computes the same bytes whoever calls it
// when. Reads the records in pages and holds at most 128 MiB of them; blocks on the disk.
// FAILED_PRECONDITION CHECKPOINT_INCOMPLETE where jobs are missing; DATA_LOSS RECORDS_DAMAGED where
// records do not have the shape they should; the store's errors.
absl::Status AggregateCheckpoint(Store& store, int64_t checkpoint_id);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_AGGREGATE_CHECKPOINT_H_
