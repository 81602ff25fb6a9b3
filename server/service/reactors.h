// What the services' RPCs have in common: a call that blocks runs on the pool, and a stream is
// written as fast as its reader reads and no faster.
#ifndef ONDELETTE_SERVER_SERVICE_REACTORS_H_
#define ONDELETTE_SERVER_SERVICE_REACTORS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "server/service/pool.h"
#include "server/service/stall_guard.h"

namespace ondelette::server {

// RESOURCE_EXHAUSTED with RetryInfo.
inline grpc::Status Overloaded() {
  return ToRpcStatus(
      MakeError(absl::StatusCode::kResourceExhausted, "COORDINATOR_BUSY",
                "the coordinator has more calls than it can answer now", "try again after a while"),
      absl::Seconds(1));
}

// The status of a call that failed, with the wait where it may be tried again.
inline grpc::Status ToCallStatus(const absl::Status& status) {
  return ToRpcStatus(status, absl::IsUnavailable(status) ? absl::Seconds(1) : absl::ZeroDuration());
}

// Answers a unary call with what `body` returns; it runs on the pool.
inline grpc::ServerUnaryReactor* RunUnary(Pool& pool, grpc::CallbackServerContext* context,
                                          std::function<absl::Status()> body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!pool.Run([reactor, body = std::move(body)] { reactor->Finish(ToCallStatus(body())); }))
    reactor->Finish(Overloaded());
  return reactor;
}

// Streams what `next` answers, message by message, until it answers nothing or an error. `next`
// runs on the pool, never twice at once, and while the message before goes out, but no further
// ahead: what it reads is bounded by two messages, however slow the reader is. A reader that stalls
// is cut off by the guard.
template <typename Message>
class StreamReactor : public grpc::ServerWriteReactor<Message> {
 public:
  using Next = std::function<absl::StatusOr<std::optional<Message>>()>;

  // Deletes itself when the call has ended.
  static StreamReactor* Start(Pool& pool, StallGuard& guard, grpc::CallbackServerContext* context,
                              Next next) {
    auto* reactor = new StreamReactor(pool, guard, context, std::move(next));
    reactor->Schedule();
    return reactor;
  }

  void OnWriteDone(bool ok) override {
    guard_.Goes(context_);
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (!ok) {
      ready_.reset();
      end_ = grpc::Status(grpc::StatusCode::CANCELLED, "the reader has gone");
    }
    Advance(std::move(lock));
  }
  void OnDone() override {
    guard_.Goes(context_);
    delete this;
  }

 private:
  StreamReactor(Pool& pool, StallGuard& guard, grpc::CallbackServerContext* context, Next next)
      : pool_(pool), guard_(guard), context_(context), next_(std::move(next)) {}

  void Schedule() {
    std::unique_lock lock(mutex_);
    Advance(std::move(lock));
  }

  // Writes what is ready, and has the next made; ends when both have ended.
  void Advance(std::unique_lock<std::mutex> lock) {
    if (!writing_ && ready_) {
      message_ = *std::exchange(ready_, std::nullopt);
      writing_ = true;
      guard_.Waits(context_);
      this->StartWrite(&message_);
    }
    if (!making_ && !ready_ && !end_) {
      making_ = pool_.Run([this] { Make(); });
      if (!making_) end_ = Overloaded();
    }
    if (writing_ || making_ || ready_) return;
    const grpc::Status end = *end_;
    lock.unlock();  // its mutex goes with the call
    this->Finish(end);
  }

  void Make() {
    absl::StatusOr<std::optional<Message>> message = absl::CancelledError("the reader has gone");
    if (!context_->IsCancelled()) message = next_();
    std::unique_lock lock(mutex_);
    making_ = false;
    if (!message.ok() || !message->has_value()) {
      if (!end_) end_ = ToCallStatus(message.status());
    } else if (!end_) {
      ready_ = std::move(**message);
    }
    Advance(std::move(lock));
  }

  Pool& pool_;
  StallGuard& guard_;
  grpc::CallbackServerContext* context_;
  Next next_;
  std::mutex mutex_;  // guards what follows
  std::optional<Message> ready_;
  std::optional<grpc::Status> end_;  // when what is written and made has ended
  bool making_ = false;
  bool writing_ = false;
  Message message_;  // that is being written
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_REACTORS_H_
