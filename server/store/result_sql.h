// Records, aggregates and controls in SQL. As the methods of Store say.
#ifndef ONDELETTE_SERVER_STORE_RESULT_SQL_H_
#define ONDELETTE_SERVER_STORE_RESULT_SQL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace ondelette::server {

absl::StatusOr<std::vector<SequenceRecords>> RecordsFrom(Connection& db, int64_t checkpoint,
                                                         int64_t first_sequence, int64_t max_bytes);
absl::StatusOr<std::vector<JobProvenance>> ProvenanceOf(Connection& db, int64_t checkpoint);

absl::Status StoreAggregates(Connection& db, const AggregateKey& key, absl::string_view blob);
absl::StatusOr<std::optional<std::string>> AggregatesOf(Connection& db, const AggregateKey& key);

absl::StatusOr<std::map<std::string, std::string>> PendingControls(Connection& db);
// `error` with code 0 where `data` are the controls.
absl::Status StoreControls(Connection& db, absl::string_view spec_digest, absl::string_view data,
                           const v1::Error& error);
absl::StatusOr<v1::Controls> ControlsOf(Connection& db, absl::string_view spec_digest);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_RESULT_SQL_H_
