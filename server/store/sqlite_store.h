// The store in one SQLite file: write-ahead log, synchronous FULL, one writer, readers of their
// own.
#ifndef ONDELETTE_SERVER_STORE_SQLITE_STORE_H_
#define ONDELETTE_SERVER_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace ondelette::server {

struct SqliteOptions {
  std::string path;
  // The most that the file may grow to; 0 for no bound but the disk's.
  int64_t max_bytes = 0;
};

// Opens or creates the file. FAILED_PRECONDITION: STORE_IN_USE by another coordinator,
// STORE_FOREIGN, STORE_VERSION. UNAVAILABLE where it cannot be opened.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_SQLITE_STORE_H_
