// What workers send as results: records, successes and failures.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "server/plan/record_check.h"
#include "server/plan/retry_policy.h"
#include "server/service/dispatcher.h"

namespace ondelette::server {
namespace {

// Records of all leases together that wait for their JobSucceeded.
constexpr int64_t kMostWaitingBytes = int64_t{2} << 30;

// Committed in one transaction: more makes those that came first wait, and saves little.
constexpr size_t kMostCommitsTogether = 256;
constexpr int64_t kMostBytesTogether = 16 << 20;

absl::Status BadBlock(const v1::RecordBlock& block, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RECORDS_INVALID",
                   absl::StrCat("a piece of the records of job ", block.lease().job().substr(0, 64),
                                " was refused: ", problem),
                   "run a worker and a coordinator of the same version");
}

// Another worker may do better, so that a malformed result counts as a transient error.
v1::Error TransientError(const absl::Status& status) {
  v1::Error error = ToErrorProto(status);
  error.set_error_class(v1::ERROR_CLASS_TRANSIENT);
  return error;
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

HeldLease* Dispatcher::FindOpen(const LeaseKey& key, const ConnectedWorker& worker) {
  HeldLease* held = table_.FindLease(key, worker.id);
  if (held == nullptr || !held->pending) return held;
  CommitPending();
  // Where the store failed, the stream has ended.
  return worker.session == nullptr ? nullptr : table_.FindLease(key, worker.id);
}

absl::Status Dispatcher::OnRecordBlock(ConnectedWorker& worker, const v1::RecordBlock& block) {
  HeldLease* held = FindOpen(FromProto(block.lease()), worker);
  if (held == nullptr) return absl::OkStatus();  // lost: the end of the job says so
  const auto bytes = static_cast<int64_t>(block.data().size());
  if (bytes > kMostPieceBytes) return BadBlock(block, absl::StrCat("it has ", bytes, " bytes"));
  if (block.offset() == 0) table_.DropRecords(*held);
  const auto had = static_cast<int64_t>(held->records.size());
  if (block.offset() != had) {
    return BadBlock(block, absl::StrCat("it starts at ", block.offset(), ", not at ", had));
  }
  if (had + bytes > kMostRecordBytes) {
    const absl::Status status =
        BadBlock(block, absl::StrCat("they are more than ", kMostRecordBytes, " bytes"));
    return FailLease(held->lease.key, ToErrorProto(status));
  }
  if (table_.record_bytes + bytes > kMostWaitingBytes) {
    return MakeError(absl::StatusCode::kUnavailable, "COORDINATOR_BUSY",
                     "too many records are on their way at once", "try again after a while");
  }
  if (held->digest == nullptr) held->digest = std::make_unique<Sha256>();
  held->digest->Update(block.data());
  held->records += block.data();
  table_.record_bytes += bytes;
  return absl::OkStatus();
}

absl::StatusOr<int> Dispatcher::ColumnsOf(const GrantedLease& lease) {
  auto found = columns_.find(lease.spec_digest);
  if (found != columns_.end()) return found->second;
  auto spec = ParseSpec(lease.spec_json);
  if (!spec.ok()) return spec.status();
  return columns_[lease.spec_digest] = static_cast<int>(Columns(*spec).size());
}

absl::Status Dispatcher::OnJobSucceeded(ConnectedWorker& worker, const v1::JobSucceeded& message,
                                        bool& pends) {
  const LeaseKey key = FromProto(message.lease());
  HeldLease* held = FindOpen(key, worker);
  if (held == nullptr) {
    CommitPending();
    auto reason = store_.WhyLost(key);
    if (!reason.ok()) return reason.status();
    telemetry_.CountRefusal();
    Acknowledge(worker, key, false, *reason);
    return absl::OkStatus();
  }
  auto columns = ColumnsOf(held->lease);
  if (!columns.ok()) return columns.status();
  const auto bytes = static_cast<int64_t>(held->records.size());
  std::string records = std::exchange(held->records, {});
  std::string digest = held->digest == nullptr ? Sha256Of("") : held->digest->Finish();
  held->digest.reset();
  auto result = CheckResult(message, held->lease, *columns, std::move(records), std::move(digest));
  if (!result.ok()) {
    table_.record_bytes -= bytes;
    absl::Status status = FailLease(key, TransientError(result.status()));
    return status.ok() ? result.status() : status;
  }
  held->pending = pends = true;
  pending_.commits.push_back({key, *std::move(result)});
  pending_.sessions.push_back(worker.session);
  pending_.bytes += bytes;
  return absl::OkStatus();
}

bool Dispatcher::PendingIsFull() const {
  return pending_.commits.size() >= kMostCommitsTogether || pending_.bytes >= kMostBytesTogether;
}

Dispatcher::Pending Dispatcher::TakePending() {
  table_.record_bytes -= pending_.bytes;
  return std::exchange(pending_, {});
}

void Dispatcher::CommitPending() {
  if (pending_.commits.empty()) return;
  const Pending pending = TakePending();
  const Clock::time_point start = Clock::now();
  SettlePending(pending, store_.CommitAndGrant(pending.commits, {}, absl::Now()).commits, start);
}

void Dispatcher::SettlePending(const Pending& pending,
                               const std::vector<absl::StatusOr<CommitOutcome>>& outcomes,
                               Clock::time_point start) {
  const double seconds = SecondsSince(start);
  for (size_t i = 0; i < pending.commits.size(); ++i) {
    const std::shared_ptr<WorkSession>& session = pending.sessions[i];
    ConnectedWorker& worker = table_.workers[session->worker_id];
    Finish(session, Settle(pending.commits[i], outcomes[i], seconds, worker));
  }
}

absl::Status Dispatcher::Settle(const JobCommit& commit,
                                const absl::StatusOr<CommitOutcome>& outcome, double seconds,
                                ConnectedWorker& worker) {
  const LeaseKey& key = commit.lease;
  HeldLease* held = table_.FindLease(key, worker.id);
  if (held != nullptr) held->pending = false;
  // Not acknowledged: the worker keeps the records, and comes again.
  if (absl::IsUnavailable(outcome.status())) return outcome.status();
  if (!outcome.ok()) {
    absl::Status status = FailLease(key, TransientError(outcome.status()));
    if (status.ok()) Acknowledge(worker, key, false, ErrorText(outcome.status()));
    return status;
  }
  if (outcome->committed) {
    const JobResult& result = commit.result;
    telemetry_.CountCommit(
        int64_t{static_cast<int64_t>(result.measured.size())} * result.layers * result.heads,
        seconds);
    if (held != nullptr) telemetry_.ObserveLease(SecondsSince(held->granted));
  } else {
    telemetry_.CountRefusal();
  }
  table_.DropLease(key.job);
  Acknowledge(worker, key, outcome->committed, outcome->reason);
  return absl::OkStatus();
}

absl::Status Dispatcher::OnJobFailed(ConnectedWorker& worker, const v1::JobFailed& message) {
  const LeaseKey key = FromProto(message.lease());
  std::string reason = "failure recorded";
  if (table_.FindLease(key, worker.id) == nullptr) {
    reason = "lease lost";
  } else if (absl::Status status = FailLease(key, BoundedError(message.error())); !status.ok()) {
    return status;
  }
  Acknowledge(worker, key, false, reason);
  return absl::OkStatus();
}

absl::Status Dispatcher::OnLeaseReturned(ConnectedWorker& worker,
                                         const v1::LeaseReturned& message) {
  const LeaseKey key = FromProto(message.lease());
  if (table_.FindLease(key, worker.id) == nullptr) return absl::OkStatus();
  if (absl::Status status = store_.ReturnLeases({key}, absl::Now()); !status.ok()) return status;
  table_.DropLease(key.job);
  work_ = true;
  return absl::OkStatus();
}

absl::Status Dispatcher::FailLease(const LeaseKey& lease, const v1::Error& error) {
  auto known = store_.FailJob(lease, error, absl::Now());
  if (!known.ok()) return known.status();
  if (*known) telemetry_.CountFailure(ClassOfError(error));
  table_.DropLease(lease.job);
  work_ = true;
  return absl::OkStatus();
}

void Dispatcher::Acknowledge(ConnectedWorker& worker, const LeaseKey& lease, bool committed,
                             const std::string& reason) {
  if (worker.session == nullptr) return;
  v1::CoordinatorMessage message;
  v1::Acknowledgement* acknowledgement = message.mutable_acknowledgement();
  *acknowledgement->mutable_lease() = ToProto(lease);
  acknowledgement->set_committed(committed);
  acknowledgement->set_reason(reason);
  postman_.Send(worker.session, std::move(message));
}

}  // namespace ondelette::server
