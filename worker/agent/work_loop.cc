#include "worker/agent/work_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/agent/log.h"

namespace ondelette::agent {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Milliseconds(100);
// A stream that lived so long was a good one: the next attempt comes soon.
constexpr absl::Duration kGoodStream = absl::Seconds(2);
// After the coordinator said that it is leaving.
constexpr absl::Duration kAfterDrain = absl::Seconds(1);
// For the last messages, and for the acknowledgements of what was handed back.
constexpr absl::Duration kLastWords = absl::Seconds(2);
constexpr absl::Duration kShortestHeartbeat = absl::Milliseconds(10);
constexpr absl::Duration kLongestHeartbeat = absl::Minutes(1);
constexpr size_t kMostTasks = 1024;

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// Often enough that two may be lost within the lease time.
absl::Duration HeartbeatInterval(const v1::Welcome& welcome) {
  absl::Duration interval = ToDuration(welcome.heartbeat_interval());
  const absl::Duration lease_time = ToDuration(welcome.lease_time());
  if (lease_time > absl::ZeroDuration()) interval = std::min(interval, lease_time / 3);
  return std::clamp(interval, kShortestHeartbeat, kLongestHeartbeat);
}

std::string LeaseText(const v1::LeaseId& id) {
  return absl::StrCat("job ", id.job().substr(0, 12), " (epoch ", id.epoch(), ")");
}

}  // namespace

WorkLoop::WorkLoop(WorkLoopOptions options, const std::shared_ptr<grpc::Channel>& channel,
                   Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      stub_(v1::WorkService::NewStub(channel)),
      back_off_(kFirstBackOff, options_.longest_back_off),
      prefetch_lane_(/*niceness=*/10) {}

WorkLoop::~WorkLoop() {
  stream_.reset();
  table_.KeepOnly({});
  stop_prefetch_ = true;
  ++generation_;
  parts_.engine->Stop();
}

absl::Status WorkLoop::Run() {
  loop_.Post([this] { StartEngine(); });
  loop_.Run();
  stream_.reset();
  return result_;
}

void WorkLoop::Connect() {
  if (leaving_ || stream_ != nullptr) return;
  ++generation_;
  tasks_.clear();
  controls_.clear();
  stream_ = std::make_unique<WorkStream>(
      stub_.get(), &loop_, [this](const v1::CoordinatorMessage& message) { OnMessage(message); },
      [this](const StreamEnd& end) { OnStreamEnd(end); });
  stream_->Send(Hello());
}

void WorkLoop::OnStreamEnd(const StreamEnd& end) {
  stream_.reset();
  ++generation_;  // what is asked for on the old stream is not answered any more
  const bool was_welcome = std::exchange(welcomed_, false);
  const bool left = std::exchange(coordinator_left_, false);
  parts_.telemetry->SetConnected(false);
  ExitIfDone();
  if (leaving_) return loop_.Stop();
  if (was_welcome && absl::Now() - welcomed_at_ >= kGoodStream) back_off_.Reset();
  absl::Duration wait = std::max(back_off_.Next(), end.retry_after);
  if (left) wait = std::max(wait, kAfterDrain);
  if (was_welcome || !end.status.ok()) {
    Log(absl::StrCat("no connection to the coordinator: ",
                     end.status.ok() ? "it closed the stream" : ErrorText(end.status),
                     "; trying again in ",
                     absl::FormatDuration(absl::Trunc(wait, absl::Milliseconds(1)))));
  }
  loop_.PostAfter(wait, [this] { Connect(); });
}

v1::WorkerMessage WorkLoop::Hello() const {
  v1::WorkerMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_worker_id(options_.worker_id);
  hello->set_name(options_.name);
  hello->set_version(options_.version);
  hello->set_engine_version(engine_info_->version);
  hello->set_device(engine_info_->device);
  hello->set_dtype("float32");
  hello->set_memory_bytes(engine_info_->memory_bytes);
  for (const HeldLease& held : table_.leases()) *hello->add_leases() = held.lease.id();
  for (const std::string& digest : HeldCheckpoints()) hello->add_held_checkpoints(digest);
  return message;
}

std::vector<std::string> WorkLoop::HeldCheckpoints() const {
  std::vector<std::string> digests = parts_.shelf->Digests();
  std::erase(digests, loaded_);
  if (!loaded_.empty()) digests.insert(digests.begin(), loaded_);
  return digests;
}

void WorkLoop::OnMessage(const v1::CoordinatorMessage& message) {
  using Message = v1::CoordinatorMessage;
  const bool welcome = message.message_case() == Message::kWelcome;
  if (welcome == welcomed_) return;  // nothing counts before the welcome, and there is only one
  switch (message.message_case()) {
    case Message::kWelcome:
      return OnWelcome(message.welcome());
    case Message::kLease:
      return OnLease(message.lease());
    case Message::kTask:
      return OnTask(message.task());
    case Message::kAcknowledgement:
      return OnAcknowledgement(message.acknowledgement());
    case Message::kLeaseRevoked:
      return OnRevoked(message.lease_revoked());
    case Message::kDrain:
      Log("the coordinator is leaving");
      coordinator_left_ = true;
      return stream_->EndWrites(kLastWords);
    case Message::MESSAGE_NOT_SET:
      return;  // from a newer coordinator
  }
}

void WorkLoop::OnWelcome(const v1::Welcome& welcome) {
  welcomed_ = true;
  welcomed_at_ = absl::Now();
  requested_ = 0;
  parts_.telemetry->SetConnected(true);
  Log(absl::StrCat("connected to the coordinator as ", options_.name));
  const int lost = table_.KeepOnly({welcome.kept().begin(), welcome.kept().end()});
  for (int i = 0; i < lost; ++i) parts_.telemetry->CountJob("revoked");
  if (running_ != nullptr && running_->cancelled) InterruptLater(running_);
  for (const HeldLease& held : table_.leases()) {
    if (held.stage == LeaseStage::kFinished) SendFinished(held);
  }
  if (draining_) {
    v1::WorkerMessage message;
    message.mutable_draining();
    stream_->Send(std::move(message));
  }
  heartbeat_interval_ = HeartbeatInterval(welcome);
  SendHeartbeats(generation_);
  Advance();
}

void WorkLoop::SendHeartbeats(uint64_t generation) {
  if (generation != generation_ || !welcomed_) return;
  v1::WorkerMessage message;
  v1::Heartbeat* heartbeat = message.mutable_heartbeat();
  for (const HeldLease& held : table_.leases()) {
    v1::LeaseProgress* progress = heartbeat->add_leases();
    *progress->mutable_lease() = held.lease.id();
    progress->set_sequences_done(held.control->sequences_done);
  }
  stream_->SendHeartbeat(std::move(message));
  loop_.PostAfter(heartbeat_interval_, [this, generation] { SendHeartbeats(generation); });
}

void WorkLoop::OnLease(const v1::Lease& lease) {
  requested_ = std::max(0, requested_ - 1);
  const bool room = !draining_ && engine_ready_;
  HeldLease* held = room ? table_.Add(lease) : nullptr;
  if (held == nullptr && !table_.Has(lease.id())) SendReturned(lease.id());
  Advance();
}

void WorkLoop::OnAcknowledgement(const v1::Acknowledgement& acknowledgement) {
  HeldLease* held = table_.Find(acknowledgement.lease());
  if (held == nullptr || held->stage != LeaseStage::kFinished) return;
  const bool failed = held->finished->kind == FinishedJob::Kind::kFailed;
  if (!acknowledgement.committed() && !failed) {
    Log(absl::StrCat(LeaseText(acknowledgement.lease()),
                     " was not committed: ", acknowledgement.reason()));
  }
  const char* outcome = acknowledgement.committed() ? "succeeded" : "refused";
  parts_.telemetry->CountJob(failed ? "failed" : outcome);
  table_.Drop(acknowledgement.lease());
  Advance();
}

void WorkLoop::OnRevoked(const v1::LeaseRevoked& revoked) {
  HeldLease* held = table_.Find(revoked.lease());
  if (held == nullptr) return;
  Log(absl::StrCat(LeaseText(revoked.lease()), " was revoked: ", revoked.reason()));
  parts_.telemetry->CountJob("revoked");
  if (held->stage == LeaseStage::kRunning) InterruptLater(held->control);
  table_.Drop(revoked.lease());
  Advance();
}

void WorkLoop::OnTask(const v1::Task& task) {
  if (tasks_.contains(task.id())) return;
  v1::TaskResult result;
  result.set_id(task.id());
  const uint64_t generation = generation_;
  if (tasks_.size() >= kMostTasks) {
    *result.mutable_error() = WorkerError(
        MakeError(absl::StatusCode::kResourceExhausted, "WORKER_BUSY", "too many tasks at once"));
    return OnTaskDone(generation, result);
  }
  tasks_.insert(task.id());
  if (task.has_controls()) {
    controls_.push_back(task);
    return Advance();
  }
  resolve_lane_.Post([this, generation, task, result]() mutable {
    if (generation != generation_) return;
    absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> found =
        parts_.shelf->Resolve(task.resolve().model(), task.resolve().revision());
    if (found.ok()) {
      *result.mutable_resolved() = CheckpointMessage(**found);
    } else {
      *result.mutable_error() = WorkerError(found.status());
    }
    loop_.Post([this, generation, result] { OnTaskDone(generation, result); });
  });
}

void WorkLoop::OnTaskDone(uint64_t generation, const v1::TaskResult& result) {
  if (generation != generation_ || !welcomed_) return;
  tasks_.erase(result.id());
  v1::WorkerMessage message;
  *message.mutable_task_result() = result;
  stream_->Send(std::move(message));
  Advance();
}

void WorkLoop::Request() {
  const int wanted = draining_ || !engine_ready_ ? 0 : table_.Wanted();
  if (!welcomed_ || wanted == requested_) return;
  requested_ = wanted;
  v1::WorkerMessage message;
  v1::WorkRequest* request = message.mutable_work_request();
  request->set_leases(wanted);
  for (const std::string& digest : HeldCheckpoints()) request->add_held_checkpoints(digest);
  stream_->Send(std::move(message));
}

void WorkLoop::SendFinished(const HeldLease& held) {
  if (welcomed_) stream_->SendFinished(held.finished, held.control);
}

void WorkLoop::Finish(const v1::LeaseId& id, const std::shared_ptr<const FinishedJob>& job) {
  HeldLease* held = table_.Find(id);
  if (held == nullptr) return;  // revoked meanwhile
  held->stage = LeaseStage::kFinished;
  held->finished = job;
  held->prepared.reset();
  if (job->kind == FinishedJob::Kind::kFailed) {
    Log(absl::StrCat(LeaseText(id), " failed: ", job->error.message()));
  }
  if (job->kind != FinishedJob::Kind::kReturned) return SendFinished(*held);
  // Nobody acknowledges a lease handed back. Where the stream is lost, Hello will not list it.
  SendReturned(id);
  table_.Drop(id);
}

void WorkLoop::SendReturned(const v1::LeaseId& id) {
  parts_.telemetry->CountJob("returned");
  if (!welcomed_) return;
  v1::WorkerMessage message;
  *message.mutable_lease_returned()->mutable_lease() = id;
  stream_->Send(std::move(message));
}

void WorkLoop::ReturnWaiting() {
  for (const v1::LeaseId& id : table_.UnfinishedIds()) {
    HeldLease* held = table_.Find(id);
    if (held->stage == LeaseStage::kRunning) continue;
    held->control->cancelled = true;
    Finish(id, JobWithoutResult(id, absl::CancelledError("handed back")));
  }
}

void WorkLoop::Drain() {
  loop_.Post([this] { OnDrain(); });
}

void WorkLoop::OnDrain() {
  if (draining_) return HandBack();
  draining_ = true;
  Log("draining: no new jobs; the running one may finish");
  if (welcomed_) {
    v1::WorkerMessage message;
    message.mutable_draining();
    stream_->Send(std::move(message));
  }
  ReturnWaiting();
  loop_.PostAfter(options_.drain_time, [this] { HandBack(); });
  ExitIfDone();
}

void WorkLoop::HandBack() {
  if (handed_back_) return;
  handed_back_ = true;
  for (const v1::LeaseId& id : table_.UnfinishedIds()) {
    table_.Find(id)->control->cancelled = true;
    Finish(id, JobWithoutResult(id, absl::CancelledError("handed back")));
  }
  parts_.engine->Stop();
  // What is finished and not acknowledged by then will be computed again.
  loop_.PostAfter(kLastWords, [this] {
    table_.KeepOnly({});
    ExitIfDone();
  });
  ExitIfDone();
}

void WorkLoop::ExitIfDone() {
  const bool nothing_left = table_.empty() || (handed_back_ && stream_ == nullptr);
  if (leaving_ || !draining_ || !nothing_left) return;
  leaving_ = true;
  if (stream_ == nullptr) return loop_.Stop();
  stream_->EndWrites(kLastWords);  // OnStreamEnd stops the loop
  // Also where the stream never comes to its end, as while it connects to a silent address.
  loop_.PostAfter(2 * kLastWords, [this] { loop_.Stop(); });
}

}  // namespace ondelette::agent
