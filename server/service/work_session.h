// One Work stream: reads a few messages ahead, and sends from a bounded queue.
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

  // The stream is read on while those of its messages that were not handled yet are fewer and
  // smaller than this: so many more come in the same round of the dispatcher, and no stream takes
  // more memory than this and a message.
  static constexpr size_t kMostUnhandled = 8;
  static constexpr size_t kMostUnhandledBytes = 64 << 10;

  // Called on gRPC's threads, which they must not hold up, in the order of the stream; null, once:
  // the worker sends no more, or is gone.
  using Received =
      std::function<void(std::shared_ptr<WorkSession>, std::unique_ptr<v1::WorkerMessage>)>;

  static WorkSession* Start(grpc::CallbackServerContext* context, Received received);

  // One of the messages received was dealt with.
  void Handled();
  // A worker that does not read while kMostUnsent messages wait is cut off.
  void Send(v1::CoordinatorMessage message);
  // Ends the stream when what was sent before has gone out. The first status counts.
  void Close(grpc::Status status);
  // Ends it at once, whatever is on its way.
  void Abort();

  // For the dispatcher alone: of its Hello, and whether it is done with this stream.
  std::string worker_id;
  bool detached = false;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WorkSession(grpc::CallbackServerContext* context, Received received)
      : context_(context), received_(std::move(received)) {}
  void Advance();   // under mutex_
  void ReadMore();  // under mutex_

  // mutex_ guards what follows, but for received_ and incoming_.
  std::mutex mutex_;
  grpc::CallbackServerContext* context_;  // null when the stream has ended
  const Received received_;
  std::unique_ptr<v1::WorkerMessage> incoming_;
  bool reading_ = false;
  std::deque<size_t> unhandled_;  // the sizes of the messages
  size_t unhandled_bytes_ = 0;
  bool ended_ = false;                         // and told so
  std::deque<v1::CoordinatorMessage> unsent_;  // the first is on its way
  bool writing_ = false;
  bool closing_ = false;
  bool finished_ = false;
  grpc::Status end_;
  std::shared_ptr<WorkSession> self_;  // until OnDone
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_WORK_SESSION_H_
