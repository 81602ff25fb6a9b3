// One coordinator a SQLite file: a lock on PATH.lock, held for life and freed by the kernel however
// the process ends.
#ifndef ONDELETTE_SERVER_STORE_STORE_LOCK_H_
#define ONDELETTE_SERVER_STORE_STORE_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace ondelette::server {

class StoreLock {
 public:
  // FAILED_PRECONDITION STORE_IN_USE names the process that holds it.
  static absl::StatusOr<std::unique_ptr<StoreLock>> Take(const std::string& store_path);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  explicit StoreLock(int file) : file_(file) {}
  int file_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_STORE_LOCK_H_
