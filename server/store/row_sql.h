// SQL that reads sweeps, checkpoints, jobs and leases: one SELECT a kind of row, to which callers
// add their WHERE, and the function that reads its columns.
#ifndef ONDELETTE_SERVER_STORE_ROW_SQL_H_
#define ONDELETTE_SERVER_STORE_ROW_SQL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/rows.h"
#include "server/store/sqlite_connection.h"

namespace ondelette::server {

// FROM sweeps s.
extern const char kSelectSweep[];
StoredSweep ReadSweep(const Statement& row);

// FROM checkpoints c JOIN sweeps s.
extern const char kSelectCheckpoint[];
StoredCheckpoint ReadCheckpoint(const Statement& row);

// FROM jobs j JOIN checkpoints c.
extern const char kSelectJob[];
StoredJob ReadJob(const Statement& row);

// FROM jobs j JOIN checkpoints c JOIN sweeps s; next_model and next_revision stay empty.
extern const char kSelectLease[];
GrantedLease ReadLease(const Statement& row);

// NOT_FOUND where there is none.
absl::StatusOr<StoredSweep> LoadSweep(Connection& db, int64_t number);
absl::StatusOr<StoredCheckpoint> LoadCheckpoint(Connection& db, int64_t id);
absl::StatusOr<StoredJob> LoadJob(Connection& db, int64_t id);

// The row number of a sweep. NOT_FOUND SWEEP_UNKNOWN.
absl::StatusOr<int64_t> SweepNumber(Connection& db, absl::string_view id);

// Errors and lists as they are stored: JSON, so that people can read them with sqlite3.
std::string ErrorToText(const v1::Error& error);  // "" for code 0
v1::Error ErrorFromText(const std::string& text);
std::string ListToText(const std::vector<std::string>& list);
std::vector<std::string> ListFromText(const std::string& text);

// Reads the rows of `query` with `read` into `out`.
template <typename Row>
absl::Status ReadAll(Statement query, Row (*read)(const Statement&), std::vector<Row>& out) {
  while (query.Step()) out.push_back(read(query));
  return query.status();
}

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_ROW_SQL_H_
