#include "server/store/wal_checkpointer.h"

#include <chrono>
#include <utility>

namespace ondelette::server {
namespace {

// Frames are pages of 4 KB. From so many on they are moved, beside the transactions that go on: the
// more there are, the more of them are of the same page, which is moved once.
constexpr int kManyFrames = 8000;
// The log starts again at its beginning only where all of it was moved and nothing was written
// since. Under steady load that needs a short stop of the writer, for what came meanwhile.
constexpr int kMostFrames = 16000;
// The next attempt, where a reader or a full disk kept the log from being moved.
constexpr auto kRest = std::chrono::milliseconds(50);

}  // namespace

absl::StatusOr<std::unique_ptr<WalCheckpointer>> WalCheckpointer::Start(const std::string& path,
                                                                        Connection& writer,
                                                                        FairMutex& write_mutex) {
  auto connection = Connection::Open(path, /*read_only=*/false);
  if (!connection.ok()) return connection.status();
  absl::Status status = (*connection)->Script("PRAGMA synchronous = FULL");
  if (!status.ok()) return status;
  return std::unique_ptr<WalCheckpointer>(
      new WalCheckpointer(*std::move(connection), writer, write_mutex));
}

WalCheckpointer::WalCheckpointer(std::unique_ptr<Connection> connection, Connection& writer,
                                 FairMutex& write_mutex)
    : connection_(std::move(connection)),
      writer_(writer),
      write_mutex_(write_mutex),
      thread_([this] { Work(); }) {
  std::lock_guard lock(write_mutex_);
  writer_.SetLogListener([this](int frames) {
    std::lock_guard guard(mutex_);
    frames_ = frames;
    if (frames >= kManyFrames) changed_.notify_one();
  });
}

WalCheckpointer::~WalCheckpointer() {
  {
    std::lock_guard lock(write_mutex_);
    writer_.SetLogListener(nullptr);
  }
  {
    std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void WalCheckpointer::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stops_ || frames_ >= kManyFrames; });
    if (stops_) return;
    lock.unlock();
    if (Checkpoint() >= kMostFrames) {
      Checkpoint();  // what came during the first, so that the writer is stopped the shorter
      std::lock_guard writer_stops(write_mutex_);
      Checkpoint();
    }
    lock.lock();
    frames_ = 0;
    changed_.wait_for(lock, kRest, [this] { return stops_; });
  }
}

int64_t WalCheckpointer::Checkpoint() {
  Statement query = connection_->Query("PRAGMA wal_checkpoint(PASSIVE)");
  return query.Step() ? query.Int(1) : 0;
}

}  // namespace ondelette::server
