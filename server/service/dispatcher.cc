#include "server/service/dispatcher.h"

#include <algorithm>
#include <future>
#include <iostream>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "server/plan/retry_policy.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

constexpr auto kFillInterval = std::chrono::milliseconds(500);  // for what was backing off
constexpr auto kMeasureInterval = std::chrono::seconds(1);
constexpr int kMostTasksPerWorker = 2;  // one being resolved, and the next
constexpr int kTaskPatience = 10;       // lease times; then a task is given to another, too
constexpr int kMostUnresolved = 1024;   // looked at a time

Clock::duration ToClock(absl::Duration duration) { return absl::ToChronoNanoseconds(duration); }

void Log(absl::string_view what, const absl::Status& status) {
  std::cerr << absl::StrCat(what, ": ", ErrorText(status), "\n");
}

v1::Lease LeaseMessage(const GrantedLease& lease) {
  v1::Lease message;
  *message.mutable_id() = ToProto(lease.key);
  message.set_model(lease.model);
  message.set_revision(lease.revision);
  message.set_checkpoint_digest(lease.checkpoint_digest);
  message.set_corpus_digest(lease.corpus_digest);
  message.set_first_sequence(lease.first_sequence);
  message.set_sequences(lease.sequences);
  message.set_spec_json(lease.spec_json);
  message.set_next_model(lease.next_model);
  message.set_next_revision(lease.next_revision);
  return message;
}

}  // namespace

LeaseKey FromProto(const v1::LeaseId& id) { return {id.job(), id.epoch()}; }

v1::LeaseId ToProto(const LeaseKey& key) {
  v1::LeaseId id;
  id.set_job(key.job);
  id.set_epoch(key.epoch);
  return id;
}

Dispatcher::Dispatcher(Store& store, Telemetry& telemetry, const DispatcherOptions& options)
    : store_(store), telemetry_(telemetry), options_(options) {
  // Task ids of an earlier life of the coordinator must not be taken for this one's.
  std::random_device random;
  next_task_ = (static_cast<uint64_t>(random()) << 31) + 1;
}

Dispatcher::~Dispatcher() {
  stops_ = true;
  WorkAppeared();
  if (thread_.joinable()) thread_.join();
}

absl::Status Dispatcher::Start() {
  auto leases = store_.Leases();
  if (!leases.ok()) return leases.status();
  const Clock::time_point now = Clock::now();
  for (GrantedLease& lease : *leases) {
    ConnectedWorker& worker = table_.workers[lease.worker];
    worker.id = lease.worker;
    worker.heard = now;
    worker.heard_at = absl::Now();
    table_.AddLease(std::move(lease), now);
  }
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>* Dispatcher::Accept(
    grpc::CallbackServerContext* context) {
  ++sessions_;
  return WorkSession::Start(context, [this](std::shared_ptr<WorkSession> session,
                                            std::unique_ptr<v1::WorkerMessage> message) {
    std::shared_ptr<v1::WorkerMessage> shared = std::move(message);
    queue_.Post([this, session = std::move(session), shared] {
      shared == nullptr ? OnEnd(session) : OnMessage(session, *shared);
    });
  });
}

void Dispatcher::WorkAppeared() {
  queue_.Post([this] { work_ = true; });
}

void Dispatcher::Revoke(std::vector<GrantedLease> leases, const std::string& reason) {
  queue_.Post([this, leases = std::move(leases), reason] {
    for (const GrantedLease& lease : leases) {
      if (table_.FindLease(lease.key, lease.worker) == nullptr) continue;
      table_.DropLease(lease.key.job);
      auto worker = table_.workers.find(lease.worker);
      if (worker == table_.workers.end() || worker->second.session == nullptr) continue;
      v1::CoordinatorMessage message;
      *message.mutable_lease_revoked()->mutable_lease() = ToProto(lease.key);
      message.mutable_lease_revoked()->set_reason(reason);
      worker->second.session->Send(std::move(message));
    }
  });
}

std::vector<v1::Worker> Dispatcher::Workers() {
  std::vector<v1::Worker> workers;
  std::promise<void> done;
  queue_.Post([&] {
    for (const auto& [id, worker] : table_.workers) {
      v1::Worker& proto = workers.emplace_back();
      proto.set_id(id);
      proto.set_name(worker.hello.name());
      proto.set_device(worker.hello.device());
      proto.set_engine_version(worker.hello.engine_version());
      proto.set_connected(worker.session != nullptr);
      proto.set_draining(worker.draining);
      proto.set_leases(worker.leases);
      *proto.mutable_last_heard() = server::ToProto(worker.heard_at);
    }
    done.set_value();
  });
  done.get_future().wait();
  return workers;
}

void Dispatcher::Drain() {
  queue_.Post([this] {
    draining_ = true;
    for (auto& [id, worker] : table_.workers) {
      if (worker.session == nullptr) continue;
      v1::CoordinatorMessage message;
      message.mutable_drain();
      worker.session->Send(std::move(message));
    }
  });
  const absl::Time deadline = absl::Now() + options_.drain_time;
  while (sessions_ > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
}

void Dispatcher::Loop() {
  const absl::Duration patience =
      std::clamp(options_.lease_time / 10, absl::Milliseconds(10), absl::Milliseconds(200));
  while (!stops_) {
    queue_.RunFor(patience);
    ExpireWorkers();
    if (work_ || Clock::now() - last_fill_ > kFillInterval) Fill();
    if (Clock::now() - last_measure_ > kMeasureInterval) Measure();
    if (tick_) tick_();
  }
}

void Dispatcher::Measure() {
  last_measure_ = Clock::now();
  int connected = 0;
  for (const auto& [id, worker] : table_.workers) connected += worker.session != nullptr ? 1 : 0;
  telemetry_.SetWorkersConnected(connected);
  if (auto counts = store_.CountJobs(); counts.ok()) telemetry_.SetJobs(*counts);
}

void Dispatcher::ExpireWorkers() {
  const Clock::time_point oldest = Clock::now() - ToClock(options_.lease_time);
  for (auto next = table_.workers.begin(); next != table_.workers.end();) {
    ConnectedWorker& worker = next->second;
    if (worker.heard >= oldest) {
      ++next;
      continue;
    }
    // A stream that has been silent so long is of no use: a worker that lives opens another.
    if (worker.session != nullptr) worker.session->Abort();
    LoseLeases(worker);
    table_.DropTasksOf(worker.id);
    // Where the store failed, its leases are still there, and are tried again.
    next = worker.leases == 0 ? table_.workers.erase(next) : std::next(next);
  }
}

void Dispatcher::LoseLeases(ConnectedWorker& worker) {
  for (const LeaseKey& lease : table_.LeasesOf(worker.id)) {
    if (absl::Status status = FailLease(lease, LostWorkerError(worker.id)); !status.ok()) {
      Log("cannot put back the jobs of a lost worker", status);
      return;
    }
    telemetry_.CountExpired(1);
  }
}

void Dispatcher::Fill() {
  work_ = false;
  last_fill_ = Clock::now();
  if (draining_) return;
  std::vector<ConnectedWorker*> order;
  for (auto& [id, worker] : table_.workers) {
    if (worker.session != nullptr && !worker.draining) order.push_back(&worker);
  }
  // The idlest first, so that the last jobs of a sweep are spread.
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->leases < b->leases; });
  for (ConnectedWorker* worker : order) GiveTasks(*worker);
  // One lease each before anybody gets a second.
  for (ConnectedWorker* worker : order) {
    if (worker->leases == 0 && !GiveLeases(*worker, 1)) return;
  }
  for (ConnectedWorker* worker : order) {
    if (!GiveLeases(*worker, worker->demand)) return;
  }
}

// False where the store failed; the next tick tries again.
bool Dispatcher::GiveLeases(ConnectedWorker& worker, int most) {
  most = std::min(most, worker.demand);
  if (most <= 0) return true;
  auto leases = store_.GrantLeases(worker.id, worker.held_checkpoints, most, absl::Now());
  if (!leases.ok()) {
    Log("cannot grant leases", leases.status());
    return false;
  }
  for (GrantedLease& lease : *leases) {
    v1::CoordinatorMessage message;
    *message.mutable_lease() = LeaseMessage(lease);
    table_.AddLease(std::move(lease), Clock::now());
    --worker.demand;
    worker.session->Send(std::move(message));
  }
  return true;
}

void Dispatcher::GiveTasks(ConnectedWorker& worker) {
  std::set<int64_t> resolving;
  std::set<std::string> computing;
  int mine = 0;
  const Clock::time_point overdue = Clock::now() - kTaskPatience * ToClock(options_.lease_time);
  for (const auto& [id, task] : table_.tasks) {
    if (task.worker == worker.id) ++mine;
    // The answer to one that is overdue still counts, if it comes before another's.
    if (task.given < overdue && task.worker != worker.id) continue;
    resolving.insert(task.checkpoint);
    computing.insert(task.spec_digest);
  }
  if (mine >= kMostTasksPerWorker) return;
  if (auto specs = store_.SpecsWithoutControls(); specs.ok()) {
    for (const auto& [digest, json] : *specs) {
      if (mine >= kMostTasksPerWorker || computing.count(digest) > 0) continue;
      v1::Task message;
      message.mutable_controls()->set_spec_json(json);
      SendTask(worker, {worker.id, 0, digest, {}}, std::move(message));
      ++mine;
    }
  }
  auto unresolved = store_.UnresolvedCheckpoints(kMostUnresolved, absl::Now());
  if (!unresolved.ok()) return;
  for (const StoredCheckpoint& checkpoint : *unresolved) {
    if (mine >= kMostTasksPerWorker) return;
    if (resolving.count(checkpoint.id) > 0) continue;
    v1::Task message;
    message.mutable_resolve()->set_model(checkpoint.model);
    message.mutable_resolve()->set_revision(checkpoint.revision);
    SendTask(worker, {worker.id, checkpoint.id, "", {}}, std::move(message));
    ++mine;
  }
}

void Dispatcher::SendTask(ConnectedWorker& worker, OutstandingTask task, v1::Task message) {
  const uint64_t id = next_task_++;
  task.given = Clock::now();
  table_.tasks[id] = std::move(task);
  message.set_id(id);
  v1::CoordinatorMessage out;
  *out.mutable_task() = std::move(message);
  worker.session->Send(std::move(out));
}

}  // namespace ondelette::server
