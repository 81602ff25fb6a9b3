// Gives work to workers and takes their results: the one thread through which every lease passes.
//
// It decides by what the store says and by when workers were heard; what it knows beyond that is in
// worker_table.h and may be lost at any time.
#ifndef ONDELETTE_SERVER_SERVICE_DISPATCHER_H_
#define ONDELETTE_SERVER_SERVICE_DISPATCHER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ondelette/v1/sweep.pb.h"
#include "server/plan/retry_policy.h"
#include "server/service/event_queue.h"
#include "server/service/postman.h"
#include "server/service/work_session.h"
#include "server/service/worker_table.h"
#include "server/store/store.h"
#include "server/telemetry.h"

namespace ondelette::server {

struct DispatcherOptions {
  // A worker that is not heard for so long has lost its leases.
  absl::Duration lease_time = absl::Seconds(30);
  // How long workers may take to say goodbye when the coordinator leaves.
  absl::Duration drain_time = absl::Seconds(5);
};

// A task that nobody has, or whose worker takes too long.
struct OpenTask {
  int64_t checkpoint = 0;   // to resolve, or
  std::string spec_digest;  // whose controls to compute
  v1::Task message;         // without its id
};

// Public methods are thread-safe. Store and telemetry outlive it; so does it the gRPC server whose
// streams it was given.
class Dispatcher {
 public:
  Dispatcher(Store& store, Telemetry& telemetry, const DispatcherOptions& options);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Adopts the leases that the store knows, and begins.
  absl::Status Start();

  // A worker's stream.
  grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>* Accept(
      grpc::CallbackServerContext* context);

  // Jobs or tasks may have become available.
  void WorkAppeared();
  // These leases hold no longer: their workers are told.
  void Revoke(std::vector<GrantedLease> leases, const std::string& reason);
  // Waits for the dispatcher's thread.
  std::vector<v1::Worker> Workers();
  // No more grants; tells the workers, and waits until they have sent what they had to send.
  void Drain();

  // Called now and then on the dispatcher's thread, for what others do at intervals.
  void SetTick(std::function<void()> tick) { tick_ = std::move(tick); }

 private:
  // dispatcher.cc
  void Loop();
  void Gather();
  void ExpireWorkers();
  void LoseLeases(ConnectedWorker& worker);
  // Tasks; then results and leases in one transaction.
  void Round();
  // Those of the workers that take more work, the idlest first, so that the last jobs of a sweep
  // are spread.
  std::vector<ConnectedWorker*> Takers(bool (*takes)(const ConnectedWorker&));
  // Who asks for leases in a round; requests[i] is workers[i]'s.
  struct Asking {
    std::vector<LeaseRequest> requests;
    std::vector<ConnectedWorker*> workers;
    bool left_out = false;  // some must wait for the next round
  };
  static Asking Ask(const std::vector<ConnectedWorker*>& takers);
  void GiveLeases(const Asking& asking,
                  absl::StatusOr<std::vector<std::vector<GrantedLease>>> granted);
  void Measure();

  // dispatcher_tasks.cc
  void GiveTasks(const std::vector<ConnectedWorker*>& takers);
  absl::StatusOr<std::deque<OpenTask>> OpenTasks();
  void SendTask(ConnectedWorker& worker, OpenTask task);
  // Given out again, or failed for good, by the error's class, as a job would be.
  absl::Status FailControls(const std::string& spec_digest, const v1::Error& error);

  // dispatcher_messages.cc
  void OnMessage(const std::shared_ptr<WorkSession>& session, const v1::WorkerMessage& message);
  // A message was dealt with: the stream's next, or its end.
  void Finish(const std::shared_ptr<WorkSession>& session, const absl::Status& status);
  void OnEnd(const std::shared_ptr<WorkSession>& session);
  // Once a stream: its worker is gone, for now.
  void Detach(const std::shared_ptr<WorkSession>& session);
  // `pends`: the message is handled when its result has been committed.
  absl::Status Handle(ConnectedWorker& worker, const v1::WorkerMessage& message, bool& pends);
  absl::Status OnHello(const std::shared_ptr<WorkSession>& session, const v1::Hello& hello);
  absl::StatusOr<std::vector<LeaseKey>> SettleLeases(ConnectedWorker& worker,
                                                     const v1::Hello& hello);
  absl::Status OnWorkRequest(ConnectedWorker& worker, const v1::WorkRequest& request);
  absl::Status OnHeartbeat(ConnectedWorker& worker, const v1::Heartbeat& heartbeat);
  absl::Status OnTaskResult(ConnectedWorker& worker, const v1::TaskResult& result);

  // dispatcher_results.cc
  absl::Status OnRecordBlock(ConnectedWorker& worker, const v1::RecordBlock& block);
  // The worker's lease, if it holds, after its result was committed if it is pending.
  HeldLease* FindOpen(const LeaseKey& key, const ConnectedWorker& worker);
  // A result that fits is pending: it commits with those that come meanwhile, and is acknowledged,
  // and counts as handled, only then.
  absl::Status OnJobSucceeded(ConnectedWorker& worker, const v1::JobSucceeded& message,
                              bool& pends);
  // Results that wait for their transaction, and the streams that they came on.
  struct Pending {
    std::vector<JobCommit> commits;
    std::vector<std::shared_ptr<WorkSession>> sessions;
    int64_t bytes = 0;
  };
  Pending TakePending();
  // Commits them in a transaction of their own. Whatever else touches leases calls it first, so
  // that all happens in the order in which it came.
  void CommitPending();
  // After their transaction, which began at `start`.
  void SettlePending(const Pending& pending,
                     const std::vector<absl::StatusOr<CommitOutcome>>& outcomes,
                     Clock::time_point start);
  bool PendingIsFull() const;
  absl::Status Settle(const JobCommit& commit, const absl::StatusOr<CommitOutcome>& outcome,
                      double seconds, ConnectedWorker& worker);
  absl::Status OnJobFailed(ConnectedWorker& worker, const v1::JobFailed& message);
  absl::Status OnLeaseReturned(ConnectedWorker& worker, const v1::LeaseReturned& message);
  // The attempt counts against the job; the lease has ended.
  absl::Status FailLease(const LeaseKey& lease, const v1::Error& error);
  void Acknowledge(ConnectedWorker& worker, const LeaseKey& lease, bool committed,
                   const std::string& reason);
  absl::StatusOr<int> ColumnsOf(const GrantedLease& lease);

  Store& store_;
  Telemetry& telemetry_;
  const DispatcherOptions options_;
  EventQueue queue_;
  std::atomic<bool> stops_ = false;
  std::atomic<int> sessions_ = 0;  // open streams

  // The dispatcher's thread alone, once it runs.
  Postman postman_;
  WorkerTable table_;
  Pending pending_;
  std::map<std::string, int> columns_;  // by spec digest
  // Specs whose controls went wrong, and are tried again from a time on. Lost with the coordinator's
  // life, which costs attempts.
  struct FailedControls {
    Budget budget;
    Clock::time_point ready;
  };
  std::map<std::string, FailedControls> failed_controls_;  // by spec digest
  uint64_t next_task_;
  bool work_ = true;     // jobs to give, or somebody to give them to, may have appeared
  bool tasks_ = true;    // likewise tasks
  bool measure_ = true;  // workers came or went
  bool draining_ = false;
  int connected_ = 0;  // workers, when they were last counted
  Clock::time_point last_round_;
  Clock::time_point last_look_;  // for lost workers
  Clock::time_point last_fill_;
  Clock::time_point last_measure_;
  std::function<void()> tick_;
  std::thread thread_;
};

// Ids of messages and rows.
LeaseKey FromProto(const v1::LeaseId& id);
v1::LeaseId ToProto(const LeaseKey& key);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_DISPATCHER_H_
