// Reads of sweeps, checkpoints, jobs and events.
#ifndef ONDELETTE_SERVER_STORE_SWEEP_SQL_H_
#define ONDELETTE_SERVER_STORE_SWEEP_SQL_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace ondelette::server {

// As the methods of Store say.
absl::StatusOr<StoredSweep> SweepByReference(Connection& db, absl::string_view reference);
absl::StatusOr<Page<StoredSweep>> SweepPage(Connection& db, int page_size, absl::string_view token);
absl::StatusOr<std::vector<StoredCheckpoint>> CheckpointsOf(Connection& db,
                                                            absl::string_view sweep_id);
absl::StatusOr<Page<StoredJob>> JobPage(Connection& db, absl::string_view sweep_id,
                                        v1::JobState state, int page_size, absl::string_view token);
absl::StatusOr<std::vector<v1::SweepEvent>> EventsAfter(Connection& db, absl::string_view sweep_id,
                                                        uint64_t cursor, int limit);
absl::StatusOr<std::vector<StoredCheckpoint>> ReadyToResolve(Connection& db, int limit,
                                                             absl::Time now);
absl::StatusOr<std::vector<GrantedLease>> AllLeases(Connection& db);
absl::StatusOr<JobCounts> AllJobCounts(Connection& db);

// Whether `text` can be the beginning of a hexadecimal digest: 4 to 64 of its digits.
bool IsDigestPrefix(absl::string_view text);

// INVALID_ARGUMENT PAGE_TOKEN_INVALID.
absl::Status BadPageToken();

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_SWEEP_SQL_H_
