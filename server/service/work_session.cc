#include "server/service/work_session.h"

#include <utility>

#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::server {

WorkSession* WorkSession::Start(grpc::CallbackServerContext* context, Received received) {
  std::shared_ptr<WorkSession> session(new WorkSession(context, std::move(received)));
  session->self_ = session;
  std::lock_guard lock(session->mutex_);
  session->ReadMore();
  return session.get();
}

void WorkSession::Handled() {
  {
    std::lock_guard lock(mutex_);
    unhandled_bytes_ -= unhandled_.front();
    unhandled_.pop_front();
    if (!finished_) return ReadMore();
    if (reading_ || std::exchange(ended_, true)) return;
  }
  received_(shared_from_this(), nullptr);
}

void WorkSession::ReadMore() {
  const bool full = unhandled_.size() >= kMostUnhandled || unhandled_bytes_ >= kMostUnhandledBytes;
  if (reading_ || finished_ || ended_ || full) return;
  reading_ = true;
  incoming_ = std::make_unique<v1::WorkerMessage>();
  StartRead(incoming_.get());
}

void WorkSession::Send(v1::CoordinatorMessage message) {
  std::lock_guard lock(mutex_);
  if (closing_ || finished_) return;
  if (unsent_.size() >= kMostUnsent) {
    if (context_ != nullptr) context_->TryCancel();
    return;
  }
  unsent_.push_back(std::move(message));
  Advance();
}

void WorkSession::Close(grpc::Status status) {
  std::lock_guard lock(mutex_);
  if (closing_ || finished_) return;
  closing_ = true;
  end_ = std::move(status);
  Advance();
}

void WorkSession::Abort() {
  std::lock_guard lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

void WorkSession::Advance() {
  if (finished_ || writing_) return;
  if (!unsent_.empty()) {
    writing_ = true;
    StartWrite(&unsent_.front());
  } else if (closing_) {
    finished_ = true;
    Finish(end_);
  }
}

void WorkSession::OnReadDone(bool ok) {
  std::unique_ptr<v1::WorkerMessage> message = std::move(incoming_);
  {
    std::lock_guard lock(mutex_);
    if (ok) {
      unhandled_.push_back(message->ByteSizeLong());
      unhandled_bytes_ += unhandled_.back();
    } else {
      message.reset();
      reading_ = false;
      if (std::exchange(ended_, true)) return;
    }
  }
  received_(shared_from_this(), std::move(message));
  if (!ok) return;
  // Only now, so that the next cannot overtake this one.
  std::lock_guard lock(mutex_);
  reading_ = false;
  ReadMore();
}

void WorkSession::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  unsent_.pop_front();
  if (!ok) {
    unsent_.clear();
    closing_ = true;
  }
  Advance();
}

void WorkSession::OnCancel() {
  std::lock_guard lock(mutex_);
  // Nothing more can be sent; a write under way ends by itself.
  while (unsent_.size() > (writing_ ? 1 : 0)) unsent_.pop_back();
  if (!closing_) end_ = grpc::Status(grpc::StatusCode::CANCELLED, "the stream was cut");
  closing_ = true;
  Advance();
}

void WorkSession::OnDone() {
  {
    std::lock_guard lock(mutex_);
    context_ = nullptr;
    finished_ = true;
  }
  std::shared_ptr<WorkSession> last = std::move(self_);
}

}  // namespace ondelette::server
