// What workers say, but for results.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "server/plan/retry_policy.h"
#include "server/plan/sweep_plan.h"
#include "server/service/dispatcher.h"
#include "server/service/reactors.h"

namespace ondelette::server {
namespace {

constexpr int kMostDemand = 64;
constexpr int kMostHelloLeases = 1024;
constexpr int kMostHeldCheckpoints = 8192;
constexpr int kMostFiles = 8192;
constexpr int kMostControlPatterns = 64;
constexpr int kMostControlValues = 4096;
constexpr size_t kLongestDigest = 128;
constexpr size_t kLongestFileName = 1024;

absl::Status Malformed(absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "WORKER_MESSAGE_INVALID",
                   absl::StrCat("the worker's message was refused: ", problem),
                   "run a worker and a coordinator of the same version");
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

template <typename List>
absl::Status CheckHeld(const List& digests) {
  if (digests.size() > kMostHeldCheckpoints) return Malformed("too many held checkpoints");
  for (const std::string& digest : digests) {
    if (digest.size() > kLongestDigest) return Malformed("a held checkpoint's digest is too long");
  }
  return absl::OkStatus();
}

absl::Status CheckHello(const v1::Hello& hello) {
  if (absl::Status status = CheckName("worker_id", hello.worker_id()); !status.ok()) return status;
  for (const std::string* text : {&hello.name(), &hello.version(), &hello.engine_version(),
                                  &hello.device(), &hello.dtype()}) {
    if (text->size() > kLongestName) return Malformed("a name of Hello is too long");
  }
  if (hello.leases_size() > kMostHelloLeases) return Malformed("too many leases");
  return CheckHeld(hello.held_checkpoints());
}

absl::StatusOr<Resolution> CheckResolution(const v1::ResolvedCheckpoint& resolved) {
  if (resolved.digest().empty() || resolved.digest().size() > kLongestDigest ||
      resolved.weights_digest().size() > kLongestDigest ||
      resolved.commit().size() > kLongestDigest)
    return Malformed("a checkpoint's digest is empty or too long");
  if (resolved.files_size() > kMostFiles) return Malformed("a checkpoint has too many files");
  Resolution resolution{resolved.digest(), resolved.weights_digest(), resolved.commit(), {}};
  for (const v1::CheckpointFile& file : resolved.files()) {
    if (file.name().size() > kLongestFileName || file.sha256().size() > kLongestDigest)
      return Malformed("a checkpoint's file has too long a name");
    resolution.files.push_back({file.name(), file.bytes(), file.sha256()});
  }
  return resolution;
}

// Messages that neither end a lease nor hand one to another stream.
bool KeepsLeases(const v1::WorkerMessage& message) {
  return message.has_record_block() || message.has_job_succeeded() || message.has_work_request() ||
         message.has_heartbeat();
}

absl::Status CheckControls(const v1::Controls& controls) {
  if (controls.patterns_size() > kMostControlPatterns) return Malformed("too many controls");
  for (const v1::ControlPattern& pattern : controls.patterns()) {
    if (pattern.name().size() > kLongestName || pattern.values_size() > kMostControlValues)
      return Malformed("a control is too long");
  }
  return absl::OkStatus();
}

}  // namespace

void Dispatcher::OnMessage(const std::shared_ptr<WorkSession>& session,
                           const v1::WorkerMessage& message) {
  if (session->detached) return;  // what was on its way when the stream was closed
  if (!KeepsLeases(message)) CommitPending();
  absl::Status status;
  auto worker = table_.workers.find(session->worker_id);
  if (message.has_hello() && session->worker_id.empty()) {
    status = OnHello(session, message.hello());
  } else if (session->worker_id.empty()) {
    status = Malformed("the first on a stream is not Hello");
  } else if (message.has_hello()) {
    status = Malformed("a second Hello on one stream");
  } else if (worker == table_.workers.end() || worker->second.session != session) {
    status = MakeError(absl::StatusCode::kAborted, "STREAM_REPLACED",
                       "the worker was not heard in time, or has another stream",
                       "say Hello on a new stream");
  } else {
    worker->second.heard = Clock::now();
    worker->second.heard_at = absl::Now();
    bool pends = false;
    status = Handle(worker->second, message, pends);
    if (pends) {
      if (PendingIsFull()) CommitPending();
      return;
    }
  }
  Finish(session, status);
}

void Dispatcher::Finish(const std::shared_ptr<WorkSession>& session, const absl::Status& status) {
  if (session->detached) return;
  if (status.ok()) return session->Handled();
  postman_.Close(session, ToCallStatus(status));
  Detach(session);
}

void Dispatcher::OnEnd(const std::shared_ptr<WorkSession>& session) {
  if (session->detached) return;
  CommitPending();
  postman_.Close(session, grpc::Status::OK);
  if (!session->detached) Detach(session);
}

void Dispatcher::Detach(const std::shared_ptr<WorkSession>& session) {
  session->detached = true;
  --sessions_;
  auto worker = table_.workers.find(session->worker_id);
  if (worker == table_.workers.end() || worker->second.session != session) return;
  // Its leases have until the lease time to be claimed by the next Hello; its tasks are forgotten.
  worker->second.session.reset();
  worker->second.demand = 0;
  table_.DropTasksOf(worker->first);
  tasks_ = measure_ = true;
}

absl::Status Dispatcher::Handle(ConnectedWorker& worker, const v1::WorkerMessage& message,
                                bool& pends) {
  switch (message.message_case()) {
    case v1::WorkerMessage::kWorkRequest:
      return OnWorkRequest(worker, message.work_request());
    case v1::WorkerMessage::kHeartbeat:
      return OnHeartbeat(worker, message.heartbeat());
    case v1::WorkerMessage::kTaskResult:
      return OnTaskResult(worker, message.task_result());
    case v1::WorkerMessage::kRecordBlock:
      return OnRecordBlock(worker, message.record_block());
    case v1::WorkerMessage::kJobSucceeded:
      return OnJobSucceeded(worker, message.job_succeeded(), pends);
    case v1::WorkerMessage::kJobFailed:
      return OnJobFailed(worker, message.job_failed());
    case v1::WorkerMessage::kLeaseReturned:
      return OnLeaseReturned(worker, message.lease_returned());
    case v1::WorkerMessage::kDraining:
      worker.draining = true;
      worker.demand = 0;
      return absl::OkStatus();
    default:
      return Malformed("it says nothing that this coordinator knows");
  }
}

absl::Status Dispatcher::OnHello(const std::shared_ptr<WorkSession>& session,
                                 const v1::Hello& hello) {
  if (absl::Status status = CheckHello(hello); !status.ok()) return status;
  ConnectedWorker& worker = table_.workers[hello.worker_id()];
  worker.id = hello.worker_id();
  if (worker.session != nullptr) {
    postman_.Close(worker.session,
                   ToRpcStatus(MakeError(absl::StatusCode::kAborted, "STREAM_REPLACED",
                                         "the worker opened another")));
  }
  session->worker_id = worker.id;
  worker.session = session;
  worker.hello = hello;
  worker.heard = Clock::now();
  worker.heard_at = absl::Now();
  worker.demand = 0;
  worker.draining = false;
  worker.held_checkpoints = {hello.held_checkpoints().begin(), hello.held_checkpoints().end()};
  table_.DropTasksOf(worker.id);
  auto kept = SettleLeases(worker, hello);
  if (!kept.ok()) return kept.status();
  v1::CoordinatorMessage message;
  v1::Welcome* welcome = message.mutable_welcome();
  *welcome->mutable_heartbeat_interval() = ToProto(options_.lease_time / 3);
  *welcome->mutable_lease_time() = ToProto(options_.lease_time);
  for (const LeaseKey& lease : *kept) *welcome->add_kept() = server::ToProto(lease);
  postman_.Send(session, std::move(message));
  if (draining_) {
    v1::CoordinatorMessage drain;
    drain.mutable_drain();
    postman_.Send(session, std::move(drain));
  }
  work_ = tasks_ = measure_ = true;
  return absl::OkStatus();
}

// The leases that the worker keeps. Those it does not know of were lost on the way to it, and go
// back at once.
absl::StatusOr<std::vector<LeaseKey>> Dispatcher::SettleLeases(ConnectedWorker& worker,
                                                               const v1::Hello& hello) {
  std::vector<LeaseKey> kept;
  std::vector<LeaseKey> lost = table_.LeasesOf(worker.id);
  for (const v1::LeaseId& id : hello.leases()) {
    const LeaseKey key = FromProto(id);
    auto found = std::find(lost.begin(), lost.end(), key);
    if (found == lost.end()) continue;
    kept.push_back(key);
    lost.erase(found);
    // The records start anew on the new stream.
    table_.DropRecords(*table_.FindLease(key, worker.id));
  }
  if (lost.empty()) return kept;
  if (absl::Status status = store_.ReturnLeases(lost, absl::Now()); !status.ok()) return status;
  for (const LeaseKey& lease : lost) table_.DropLease(lease.job);
  return kept;
}

absl::Status Dispatcher::OnWorkRequest(ConnectedWorker& worker, const v1::WorkRequest& request) {
  if (request.leases() < 0 || request.leases() > kMostDemand)
    return Malformed(absl::StrCat(request.leases(), " leases were asked for"));
  if (absl::Status status = CheckHeld(request.held_checkpoints()); !status.ok()) return status;
  worker.demand = worker.draining ? 0 : request.leases();
  worker.held_checkpoints = {request.held_checkpoints().begin(), request.held_checkpoints().end()};
  work_ = true;
  return absl::OkStatus();
}

absl::Status Dispatcher::OnHeartbeat(ConnectedWorker& worker, const v1::Heartbeat& heartbeat) {
  if (heartbeat.leases_size() > kMostHelloLeases) return Malformed("too many leases");
  for (const v1::LeaseProgress& progress : heartbeat.leases()) {
    if (table_.FindLease(FromProto(progress.lease()), worker.id) != nullptr) continue;
    v1::CoordinatorMessage message;
    *message.mutable_lease_revoked()->mutable_lease() = progress.lease();
    message.mutable_lease_revoked()->set_reason("lease lost");
    postman_.Send(worker.session, std::move(message));
  }
  return absl::OkStatus();
}

absl::Status Dispatcher::OnTaskResult(ConnectedWorker& worker, const v1::TaskResult& result) {
  auto found = table_.tasks.find(result.id());
  // Of another stream, or given to another since.
  if (found == table_.tasks.end() || found->second.worker != worker.id) return absl::OkStatus();
  const OutstandingTask task = found->second;
  const bool resolves = task.checkpoint != 0;
  const absl::Time now = absl::Now();
  absl::Status status;
  if (result.has_error()) {
    const v1::Error error = BoundedError(result.error());
    status = resolves ? store_.FailCheckpoint(task.checkpoint, error, now)
                      : FailControls(task.spec_digest, error);
  } else if (resolves && result.has_resolved()) {
    auto resolution = CheckResolution(result.resolved());
    if (!resolution.ok()) return resolution.status();
    status = store_.ResolveCheckpoint(task.checkpoint, *resolution, now);
  } else if (!resolves && result.has_controls()) {
    if (status = CheckControls(result.controls()); !status.ok()) return status;
    status = store_.PutControls(task.spec_digest, result.controls());
  } else {
    return Malformed("a task's result is not what was asked for");
  }
  // Where the store failed, the stream ends and with it the task, which is given again.
  table_.tasks.erase(found);
  work_ = tasks_ = true;
  return status;
}

}  // namespace ondelette::server
