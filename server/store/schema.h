// The tables of the SQLite store. docs/queue.md describes them in short.
#ifndef ONDELETTE_SERVER_STORE_SCHEMA_H_
#define ONDELETTE_SERVER_STORE_SCHEMA_H_

#include "absl/status/status.h"
#include "server/store/sqlite_connection.h"

namespace ondelette::server {

// Of the tables, indices and triggers: raise it whenever they change. schema_test.cc holds their
// digest.
inline constexpr int kSchemaVersion = 3;

// Creates the tables in an empty file; checks the version of one that has them. FAILED_PRECONDITION
// STORE_FOREIGN or STORE_VERSION where the file is another program's, or another version's.
absl::Status PrepareSchema(Connection& connection);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_SCHEMA_H_
