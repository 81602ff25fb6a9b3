// One Work stream to the coordinator, from its opening to its end.
#ifndef ONDELETTE_WORKER_AGENT_WORK_STREAM_H_
#define ONDELETTE_WORKER_AGENT_WORK_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ondelette/v1/work.grpc.pb.h"
#include "worker/agent/event_loop.h"
#include "worker/agent/job.h"

namespace ondelette::agent {

// How a stream ended.
struct StreamEnd {
  absl::Status status;
  absl::Duration retry_after;  // what the coordinator asks to wait at least; 0 if nothing
};

// Opens the stream on a thread of its own, and reads and writes on two. All methods return at once
// and belong to the event loop's thread; what arrives is posted to it. What waits to be written is
// bounded: messages by kMostWaiting (a coordinator that takes none for so long is cut off),
// heartbeats by one, results by sending their pieces straight out of the finished job. What arrives
// is bounded too: no more is read until the event loop has taken it.
class WorkStream {
 public:
  static constexpr size_t kMostWaiting = 256;
  static constexpr size_t kPieceBytes = 1 << 20;

  // `on_message` is called for each message, then `on_end` once, unless the stream is destroyed
  // before. Neither owns the stub nor the loop, which outlive it.
  WorkStream(v1::WorkService::StubInterface* stub, EventLoop* loop,
             std::function<void(const v1::CoordinatorMessage&)> on_message,
             std::function<void(StreamEnd)> on_end);
  // Cancels the stream.
  ~WorkStream();

  void Send(v1::WorkerMessage message);
  // Takes the place of a heartbeat that still waits.
  void SendHeartbeat(v1::WorkerMessage heartbeat);
  // Record pieces and JobSucceeded, or JobFailed, after the results that wait; other messages go in
  // between. A job that is cancelled meanwhile is broken off.
  void SendFinished(std::shared_ptr<const FinishedJob> job, std::shared_ptr<JobControl> control);
  // Writes what waits, then half-closes; the coordinator has `grace` to end the stream.
  void EndWrites(absl::Duration grace);

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::WorkerMessage, v1::CoordinatorMessage>;
  struct Upload {
    std::shared_ptr<const FinishedJob> job;
    std::shared_ptr<JobControl> control;
    size_t offset = 0;
  };
  // Outlives the stream in events that are still posted.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool destroyed = false;
    size_t unhandled = 0;  // messages posted and not yet taken
  };

  void Run();
  void ReadAll(Stream& stream);
  void WriteAll(Stream& stream);
  // The next thing to write; nothing when writing is over. Blocks.
  std::optional<v1::WorkerMessage> Next();
  v1::WorkerMessage NextPiece();
  void WaitForEnd(Stream& stream);

  v1::WorkService::StubInterface* const stub_;
  EventLoop* const loop_;
  const std::function<void(const v1::CoordinatorMessage&)> on_message_;
  const std::function<void(StreamEnd)> on_end_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  grpc::ClientContext context_;

  // Guarded by shared_->mutex; shared_->changed tells of changes.
  std::deque<v1::WorkerMessage> waiting_;
  std::optional<v1::WorkerMessage> heartbeat_;
  std::deque<Upload> uploads_;
  std::optional<absl::Duration> end_grace_;  // set by EndWrites
  bool read_over_ = false;

  std::thread thread_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_WORK_STREAM_H_
