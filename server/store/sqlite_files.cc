#include "server/store/sqlite_files.h"

#include "absl/strings/str_cat.h"
#include "server/store/schema.h"

namespace ondelette::server {
namespace {

// More than this many readers are closed when they are done.
constexpr size_t kMostIdleReaders = 8;

absl::Status Configure(Connection& writer, const SqliteOptions& options) {
  // FULL: a transaction is on the disk before it is acknowledged. The cap keeps the log from
  // growing without end behind one large transaction. Keys are digests, so that every job touches
  // pages all over its indices: they are kept in 64 MB.
  absl::Status status = writer.Script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
      "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536;");
  if (!status.ok() || options.max_bytes == 0) return status;
  Statement query = writer.Query("PRAGMA page_size");
  const int64_t page = query.Step() ? query.Int(0) : 4096;
  return writer.Script(absl::StrCat("PRAGMA max_page_count = ", options.max_bytes / page));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteFiles>> SqliteFiles::Open(const SqliteOptions& options) {
  auto lock = StoreLock::Take(options.path);
  if (!lock.ok()) return lock.status();
  auto writer = Connection::Open(options.path, /*read_only=*/false);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = Configure(**writer, options); !status.ok()) return status;
  if (absl::Status status = PrepareSchema(**writer); !status.ok()) return status;
  std::unique_ptr<SqliteFiles> files(
      new SqliteFiles(options.path, *std::move(lock), *std::move(writer)));
  auto checkpointer = WalCheckpointer::Start(options.path, *files->writer_, files->write_mutex_);
  if (!checkpointer.ok()) return checkpointer.status();
  files->checkpointer_ = *std::move(checkpointer);
  return files;
}

void SqliteFiles::SetListener(std::function<void(const StoreNotice&)> listener) {
  std::lock_guard lock(write_mutex_);
  listener_ = std::move(listener);
}

absl::StatusOr<std::unique_ptr<Connection>> SqliteFiles::TakeReader() {
  {
    std::lock_guard lock(readers_mutex_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return Connection::Open(path_, /*read_only=*/true);
}

void SqliteFiles::PutReader(std::unique_ptr<Connection> reader) {
  std::lock_guard lock(readers_mutex_);
  if (idle_readers_.size() < kMostIdleReaders) idle_readers_.push_back(std::move(reader));
}

}  // namespace ondelette::server
