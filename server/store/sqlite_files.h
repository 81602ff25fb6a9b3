// The connections of one SQLite store: a writer behind a mutex, and readers that never wait for it.
#ifndef ONDELETTE_SERVER_STORE_SQLITE_FILES_H_
#define ONDELETTE_SERVER_STORE_SQLITE_FILES_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/fair_mutex.h"
#include "server/store/queue.h"
#include "server/store/sqlite_connection.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_lock.h"
#include "server/store/wal_checkpointer.h"

namespace ondelette::server {

// Thread-safe.
class SqliteFiles {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteFiles>> Open(const SqliteOptions& options);

  void SetListener(std::function<void(const StoreNotice&)> listener);

  // Runs `body(Write&)` in a write transaction; commits where it answers OK, then tells the
  // listener.
  template <typename Body>
  std::invoke_result_t<Body, Write&> InWrite(absl::Time now, Body body) {
    std::function<void(const StoreNotice&)> listener;
    StoreNotice notice;
    std::invoke_result_t<Body, Write&> answer;
    {
      std::lock_guard lock(write_mutex_);
      Transaction transaction(*writer_, Transaction::Kind::kWrite);
      if (!transaction.status().ok()) return transaction.status();
      Write write{*writer_, now, {}};
      answer = body(write);
      if (!answer.ok()) return answer;
      if (absl::Status status = PutCursors(write); !status.ok()) return status;
      if (absl::Status status = transaction.Commit(); !status.ok()) return status;
      if (write.committed) write.committed();
      notice = std::move(write.notice);
      listener = listener_;
    }
    const bool anything = notice.work || !notice.sweeps.empty() || !notice.completed.empty();
    if (anything && listener) listener(notice);
    return answer;
  }

  // Runs `body(Connection&)` on one snapshot of the file.
  template <typename Body>
  std::invoke_result_t<Body, Connection&> InRead(Body body) {
    auto reader = TakeReader();
    if (!reader.ok()) return reader.status();
    std::invoke_result_t<Body, Connection&> answer =
        [&]() -> std::invoke_result_t<Body, Connection&> {
      Transaction transaction(**reader, Transaction::Kind::kRead);
      if (!transaction.status().ok()) return transaction.status();
      return body(**reader);
    }();
    PutReader(*std::move(reader));
    return answer;
  }

 private:
  SqliteFiles(std::string path, std::unique_ptr<StoreLock> lock, std::unique_ptr<Connection> writer)
      : path_(std::move(path)), lock_(std::move(lock)), writer_(std::move(writer)) {}

  absl::StatusOr<std::unique_ptr<Connection>> TakeReader();
  void PutReader(std::unique_ptr<Connection> reader);

  const std::string path_;
  const std::unique_ptr<StoreLock> lock_;
  FairMutex write_mutex_;  // guards the next two
  const std::unique_ptr<Connection> writer_;
  std::function<void(const StoreNotice&)> listener_;
  std::mutex readers_mutex_;  // guards the next
  std::vector<std::unique_ptr<Connection>> idle_readers_;
  std::unique_ptr<WalCheckpointer> checkpointer_;  // ends before what it looks at
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_SQLITE_FILES_H_
