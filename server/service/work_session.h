// One Work stream: reads a message at a time, and sends from a bounded queue.
#ifndef ONDELETTE_SERVER_SERVICE_WORK_SESSION_H_
#define ONDELETTE_SERVER_SERVICE_WORK_SESSION_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "ondelette/v1/work.pb.h"

namespace ondelette::server {

// Thread-safe. Owned by whoever holds a pointer, and by gRPC until the stream has ended.
class WorkSession : public grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>,
                    public std::enable_shared_from_this<WorkSession> {
 public:
  // Leases are granted on demand, so that a worker that reads has few messages to come.
  static constexpr size_t kMostUnsent = 4096;

  // Called on gRPC's threads, which they must not hold up. A message comes only after ReadNext was
  // called for the one before it; null: the worker sends no more, or is gone.
  using Received =
      std::function<void(std::shared_ptr<WorkSession>, std::unique_ptr<v1::WorkerMessage>)>;

  static WorkSession* Start(grpc::CallbackServerContext* context, Received received);

  void ReadNext();
  // A worker that does not read while kMostUnsent messages wait is cut off.
  void Send(v1::CoordinatorMessage message);
  // Ends the stream when what was sent before has gone out. The first status counts.
  void Close(grpc::Status status);
  // Ends it at once, whatever is on its way.
  void Abort();

  // Of its Hello; for the dispatcher alone.
  std::string worker_id;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WorkSession(grpc::CallbackServerContext* context, Received received)
      : context_(context), received_(std::move(received)) {}
  void Advance();  // under mutex_

  // mutex_ guards what follows, but for received_ and incoming_.
  std::mutex mutex_;
  grpc::CallbackServerContext* context_;  // null when the stream has ended
  const Received received_;
  std::unique_ptr<v1::WorkerMessage> incoming_;
  std::deque<v1::CoordinatorMessage> unsent_;  // the first is on its way
  bool writing_ = false;
  bool closing_ = false;
  bool finished_ = false;
  grpc::Status end_;
  std::shared_ptr<WorkSession> self_;  // until OnDone
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_WORK_SESSION_H_
