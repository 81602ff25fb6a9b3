#include "worker/agent/work_stream.h"

#include <algorithm>
#include <utility>

#include "common/rpc/rpc_status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace ondelette::agent {
namespace {

constexpr size_t kMostUnhandled = 64;

absl::Duration RetryAfter(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return absl::ZeroDuration();
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::RetryInfo retry;
    if (!any.UnpackTo(&retry)) continue;
    const absl::Duration delay = absl::Seconds(retry.retry_delay().seconds()) +
                                 absl::Nanoseconds(retry.retry_delay().nanos());
    return std::clamp(delay, absl::ZeroDuration(), absl::Duration(absl::Minutes(5)));
  }
  return absl::ZeroDuration();
}

// What follows the pieces of a finished job.
v1::WorkerMessage LastMessage(const FinishedJob& job) {
  v1::WorkerMessage message;
  if (job.kind == FinishedJob::Kind::kSucceeded) {
    *message.mutable_job_succeeded() = job.succeeded;
  } else {
    *message.mutable_job_failed()->mutable_lease() = job.lease;
    *message.mutable_job_failed()->mutable_error() = job.error;
  }
  return message;
}

}  // namespace

WorkStream::WorkStream(v1::WorkService::StubInterface* stub, EventLoop* loop,
                       std::function<void(const v1::CoordinatorMessage&)> on_message,
                       std::function<void(StreamEnd)> on_end)
    : stub_(stub), loop_(loop), on_message_(std::move(on_message)), on_end_(std::move(on_end)) {
  thread_ = std::thread([this] { Run(); });
}

WorkStream::~WorkStream() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->destroyed = true;
  }
  shared_->changed.notify_all();
  context_.TryCancel();
  thread_.join();
}

void WorkStream::Send(v1::WorkerMessage message) {
  bool stalled = false;
  {
    std::lock_guard lock(shared_->mutex);
    stalled = waiting_.size() >= kMostWaiting;
    if (!stalled) waiting_.push_back(std::move(message));
  }
  if (stalled) context_.TryCancel();
  shared_->changed.notify_all();
}

void WorkStream::SendHeartbeat(v1::WorkerMessage heartbeat) {
  {
    std::lock_guard lock(shared_->mutex);
    heartbeat_ = std::move(heartbeat);
  }
  shared_->changed.notify_all();
}

void WorkStream::SendFinished(std::shared_ptr<const FinishedJob> job,
                              std::shared_ptr<JobControl> control) {
  {
    std::lock_guard lock(shared_->mutex);
    uploads_.push_back({std::move(job), std::move(control)});
  }
  shared_->changed.notify_all();
}

void WorkStream::EndWrites(absl::Duration grace) {
  {
    std::lock_guard lock(shared_->mutex);
    end_grace_ = grace;
  }
  shared_->changed.notify_all();
}

void WorkStream::Run() {
  // Blocks until the connection is there or has failed.
  std::unique_ptr<Stream> stream = stub_->Work(&context_);
  std::thread reader([this, &stream] { ReadAll(*stream); });
  WriteAll(*stream);
  reader.join();
  const grpc::Status status = stream->Finish();
  std::lock_guard lock(shared_->mutex);
  if (shared_->destroyed) return;
  loop_->Post([shared = shared_, on_end = on_end_, status] {
    {
      std::lock_guard lock(shared->mutex);
      if (shared->destroyed) return;
    }
    on_end({FromRpcStatus(status), RetryAfter(status)});
  });
}

void WorkStream::ReadAll(Stream& stream) {
  auto message = std::make_shared<v1::CoordinatorMessage>();
  while (stream.Read(message.get())) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(
        lock, [this] { return shared_->destroyed || shared_->unhandled < kMostUnhandled; });
    if (shared_->destroyed) break;
    ++shared_->unhandled;
    lock.unlock();
    loop_->Post([shared = shared_, on_message = on_message_, message = std::move(message)] {
      {
        std::lock_guard handled(shared->mutex);
        if (shared->destroyed) return;
        --shared->unhandled;
      }
      shared->changed.notify_all();
      on_message(*message);
    });
    message = std::make_shared<v1::CoordinatorMessage>();
  }
  {
    std::lock_guard lock(shared_->mutex);
    read_over_ = true;
  }
  shared_->changed.notify_all();
}

void WorkStream::WriteAll(Stream& stream) {
  while (std::optional<v1::WorkerMessage> message = Next()) {
    if (!stream.Write(*message)) return;
  }
  WaitForEnd(stream);
}

std::optional<v1::WorkerMessage> WorkStream::Next() {
  std::unique_lock lock(shared_->mutex);
  while (!shared_->destroyed && !read_over_) {
    std::erase_if(uploads_, [](const Upload& upload) { return upload.control->cancelled.load(); });
    if (!waiting_.empty()) {
      v1::WorkerMessage message = std::move(waiting_.front());
      waiting_.pop_front();
      return message;
    }
    if (heartbeat_.has_value()) return std::exchange(heartbeat_, std::nullopt);
    if (!uploads_.empty()) return NextPiece();
    if (end_grace_.has_value()) return std::nullopt;
    shared_->changed.wait(lock);
  }
  return std::nullopt;
}

v1::WorkerMessage WorkStream::NextPiece() {
  Upload& upload = uploads_.front();
  const FinishedJob& job = *upload.job;
  if (upload.offset == job.records.size()) {
    v1::WorkerMessage last = LastMessage(job);
    uploads_.pop_front();
    return last;
  }
  v1::WorkerMessage message;
  v1::RecordBlock* block = message.mutable_record_block();
  *block->mutable_lease() = job.lease;
  block->set_offset(static_cast<int64_t>(upload.offset));
  block->set_data(job.records.substr(upload.offset, kPieceBytes));
  upload.offset += block->data().size();
  return message;
}

void WorkStream::WaitForEnd(Stream& stream) {
  std::unique_lock lock(shared_->mutex);
  if (shared_->destroyed || !end_grace_.has_value()) return;
  lock.unlock();
  stream.WritesDone();
  lock.lock();
  shared_->changed.wait_for(lock, absl::ToChronoMilliseconds(*end_grace_),
                            [this] { return shared_->destroyed || read_over_; });
  if (!read_over_) context_.TryCancel();
}

}  // namespace ondelette::agent
