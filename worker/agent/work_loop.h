// The worker's life: asks the coordinator for leases, keeps the engine busy, sends results, and
// comes back after every loss of the stream.
#ifndef ONDELETTE_WORKER_AGENT_WORK_LOOP_H_
#define ONDELETTE_WORKER_AGENT_WORK_LOOP_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ondelette/v1/work.grpc.pb.h"
#include "worker/agent/back_off.h"
#include "worker/agent/checkpoint_shelf.h"
#include "worker/agent/engine.h"
#include "worker/agent/event_loop.h"
#include "worker/agent/job_preparer.h"
#include "worker/agent/lane.h"
#include "worker/agent/lease_table.h"
#include "worker/agent/telemetry.h"
#include "worker/agent/work_stream.h"

namespace ondelette::agent {

struct WorkLoopOptions {
  std::string worker_id;  // unique to this process
  std::string name;       // for people
  std::string version;
  absl::Duration drain_time = absl::Seconds(60);       // for the running job after a drain
  absl::Duration revoked_time = absl::Seconds(5);      // for a running job nobody wants any more
  absl::Duration longest_back_off = absl::Seconds(5);  // between attempts to connect
};

// All state belongs to the event loop's thread. Slow things run on lanes and post their ends:
//   engine    jobs and controls, one at a time; also starts the engine (it lives with this thread)
//   prepare   the next job: files, corpus, tokens
//   resolve   Task.resolve, so that hashing a suite does not hold up the jobs
//   prefetch  reading the next checkpoint, at low priority
// While the stream is lost the engine goes on; finished jobs wait for the next Welcome.
class WorkLoop {
 public:
  // Owns none of them.
  struct Parts {
    Engine* engine;
    CheckpointShelf* shelf;
    JobPreparer* preparer;
    Telemetry* telemetry;
  };

  WorkLoop(WorkLoopOptions options, const std::shared_ptr<grpc::Channel>& channel, Parts parts);
  // Waits for what the lanes are doing.
  ~WorkLoop();

  // Works until drained. OK then; an error only where no engine could ever be started.
  absl::Status Run();

  // Thread-safe. The first call drains: no new leases, the running job may finish, the others are
  // handed back. The second, or drain_time later, everything is handed back at once.
  void Drain();

 private:
  // The engine (work_loop_engine.cc).
  void StartEngine();
  void OnEngineState(const absl::StatusOr<EngineInfo>& info);
  void OnEngineLost(const absl::Status& status);
  void FeedEngine();
  void RunJobOf(HeldLease& held);
  void RunControlsTask(uint64_t generation, const v1::Task& task);
  void PrepareNext();
  void OnPrepared(const v1::LeaseId& id, const absl::StatusOr<PreparedJob>& job);
  void OnJobDone(const v1::LeaseId& id, const std::shared_ptr<const FinishedJob>& job);
  void InterruptLater(const std::shared_ptr<JobControl>& control);
  void LookAhead();  // has the engine load the next job's checkpoint
  void PrefetchNext(const v1::Lease& lease);

  // The stream (work_loop.cc).
  void Connect();
  void OnStreamEnd(const StreamEnd& end);
  v1::WorkerMessage Hello() const;
  void OnMessage(const v1::CoordinatorMessage& message);
  void OnWelcome(const v1::Welcome& welcome);
  void OnLease(const v1::Lease& lease);
  void OnAcknowledgement(const v1::Acknowledgement& acknowledgement);
  void OnRevoked(const v1::LeaseRevoked& revoked);
  void OnTask(const v1::Task& task);
  void OnTaskDone(uint64_t generation, const v1::TaskResult& result);
  void SendHeartbeats(uint64_t generation);
  void Request();
  std::vector<std::string> HeldCheckpoints() const;

  // Both.
  void Advance();  // whatever can be done now
  void Finish(const v1::LeaseId& id, const std::shared_ptr<const FinishedJob>& job);
  void SendFinished(const HeldLease& held);
  void SendReturned(const v1::LeaseId& id);
  void ReturnWaiting();
  void OnDrain();
  void HandBack();
  void ExitIfDone();

  const WorkLoopOptions options_;
  const Parts parts_;
  const std::unique_ptr<v1::WorkService::Stub> stub_;
  EventLoop loop_;
  LeaseTable table_;
  absl::Status result_;

  std::optional<EngineInfo> engine_info_;  // of the last hello
  std::shared_ptr<JobControl> running_;
  std::string running_digest_;  // of its checkpoint
  std::string looked_ahead_;    // digest of the checkpoint that the engine was last told of
  std::string loaded_;          // digest of the checkpoint the engine holds
  std::deque<v1::Task> controls_;
  std::string prefetched_;  // what was prefetched last
  int failed_starts_ = 0;   // before the first success
  bool engine_ready_ = false;
  bool engine_busy_ = false;
  bool preparing_ = false;
  bool prefetching_ = false;
  std::atomic<bool> stop_prefetch_ = false;

  std::unique_ptr<WorkStream> stream_;
  std::atomic<uint64_t> generation_ = 0;  // of streams; tasks of older ones are not answered
  std::set<uint64_t> tasks_;
  absl::Time welcomed_at_;
  absl::Duration heartbeat_interval_;
  BackOff back_off_;
  int requested_ = 0;  // leases the coordinator may still send
  bool welcomed_ = false;
  bool coordinator_left_ = false;  // it sent Drain

  bool draining_ = false;
  bool handed_back_ = false;
  bool leaving_ = false;

  Lane engine_lane_;
  Lane prepare_lane_;
  Lane resolve_lane_;
  Lane prefetch_lane_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_WORK_LOOP_H_
