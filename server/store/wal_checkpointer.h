// Moves the write-ahead log into the database on a thread of its own, so that no transaction waits
// for it: SQLite would do it within the commit that makes the log long.
#ifndef ONDELETTE_SERVER_STORE_WAL_CHECKPOINTER_H_
#define ONDELETTE_SERVER_STORE_WAL_CHECKPOINTER_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "server/store/fair_mutex.h"
#include "server/store/sqlite_connection.h"

namespace ondelette::server {

// Thread-safe.
class WalCheckpointer {
 public:
  // `write_mutex` is held around every transaction of `writer`, whose log this is; both outlive it.
  static absl::StatusOr<std::unique_ptr<WalCheckpointer>> Start(const std::string& path,
                                                                Connection& writer,
                                                                FairMutex& write_mutex);
  ~WalCheckpointer();
  WalCheckpointer(const WalCheckpointer&) = delete;
  WalCheckpointer& operator=(const WalCheckpointer&) = delete;

 private:
  WalCheckpointer(std::unique_ptr<Connection> connection, Connection& writer,
                  FairMutex& write_mutex);
  void Work();
  // Answers how many frames the log has.
  int64_t Checkpoint();

  const std::unique_ptr<Connection> connection_;
  Connection& writer_;
  FairMutex& write_mutex_;
  std::mutex mutex_;  // guards the next two
  int frames_ = 0;    // of the log, after the last transaction
  bool stops_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_WAL_CHECKPOINTER_H_
