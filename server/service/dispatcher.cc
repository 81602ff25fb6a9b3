#include "server/service/dispatcher.h"

#include <algorithm>
#include <future>
#include <iostream>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "server/plan/retry_policy.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

constexpr auto kFillInterval = std::chrono::milliseconds(500);  // for what was backing off
constexpr auto kMeasureInterval = std::chrono::seconds(1);
constexpr auto kLongestGathering = std::chrono::microseconds(4000);
constexpr auto kGatheringPerWorker = std::chrono::microseconds(50);
// Asked for in one transaction: a worker's result must not wait longer behind them.
constexpr int kMostGrantsTogether = 256;

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
  queue_.Post([this] { work_ = tasks_ = true; });
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
      postman_.Send(worker->second.session, std::move(message));
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
      postman_.Send(worker.session, std::move(message));
    }
  });
  const absl::Time deadline = absl::Now() + options_.drain_time;
  while (sessions_ > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
}

void Dispatcher::Loop() {
  const absl::Duration patience =
      std::clamp(options_.lease_time / 10, absl::Milliseconds(10), absl::Milliseconds(200));
  while (!stops_) {
    queue_.Wait(work_ || tasks_ ? absl::ZeroDuration() : patience);
    Gather();
    queue_.Run();
    Round();
    postman_.Flush();
    const Clock::time_point now = Clock::now();
    if (now - last_look_ > ToClock(patience) / 2) {
      last_look_ = now;
      ExpireWorkers();
      if (tick_) tick_();
    }
    if (now - last_fill_ > kFillInterval) work_ = tasks_ = true;
    if (measure_ || now - last_measure_ > kMeasureInterval) Measure();
  }
}

// Lets the messages of many workers come together, so that they share transactions: a round costs
// some hundred microseconds, however little is in it. One worker alone hardly waits.
void Dispatcher::Gather() {
  const auto wait = std::min<Clock::duration>(kLongestGathering, connected_ * kGatheringPerWorker);
  std::this_thread::sleep_until(last_round_ + wait);
  last_round_ = Clock::now();
}

void Dispatcher::Measure() {
  last_measure_ = Clock::now();
  measure_ = false;
  connected_ = 0;
  for (const auto& [id, worker] : table_.workers) connected_ += worker.session != nullptr ? 1 : 0;
  telemetry_.SetWorkersConnected(connected_);
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
    tasks_ = true;
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

void Dispatcher::Round() {
  const bool gives = !draining_;
  if (std::exchange(tasks_, false) && gives)
    GiveTasks(Takers([](const ConnectedWorker&) { return true; }));
  Asking asking;
  if (std::exchange(work_, false) && gives) {
    last_fill_ = Clock::now();
    asking = Ask(Takers([](const ConnectedWorker& worker) { return worker.demand > 0; }));
  }
  const Pending pending = TakePending();
  const Clock::time_point start = Clock::now();
  RoundOutcome outcome = store_.CommitAndGrant(pending.commits, asking.requests, absl::Now());
  SettlePending(pending, outcome.commits, start);
  GiveLeases(asking, std::move(outcome.granted));
}

std::vector<ConnectedWorker*> Dispatcher::Takers(bool (*takes)(const ConnectedWorker&)) {
  std::vector<ConnectedWorker*> takers;
  for (auto& [id, worker] : table_.workers) {
    if (worker.session != nullptr && !worker.draining && takes(worker)) takers.push_back(&worker);
  }
  std::stable_sort(takers.begin(), takers.end(),
                   [](const auto* a, const auto* b) { return a->leases < b->leases; });
  return takers;
}

Dispatcher::Asking Dispatcher::Ask(const std::vector<ConnectedWorker*>& takers) {
  Asking asking;
  int asked = 0;
  auto ask = [&](ConnectedWorker* worker, int most) {
    asking.left_out = asking.left_out || most > kMostGrantsTogether - asked;
    most = std::min(most, kMostGrantsTogether - asked);
    if (most <= 0) return;
    asking.requests.push_back({worker->id, worker->held_checkpoints, most});
    asking.workers.push_back(worker);
    asked += most;
  };
  // One lease each before anybody gets a second.
  for (ConnectedWorker* worker : takers) {
    if (worker->leases == 0) ask(worker, 1);
  }
  for (ConnectedWorker* worker : takers) ask(worker, worker->demand - (worker->leases == 0));
  return asking;
}

void Dispatcher::GiveLeases(const Asking& asking,
                            absl::StatusOr<std::vector<std::vector<GrantedLease>>> granted) {
  if (!granted.ok()) return Log("cannot grant leases", granted.status());  // the next tick tries
  bool all = true;
  for (size_t i = 0; i < asking.requests.size(); ++i) {
    ConnectedWorker& worker = *asking.workers[i];
    all = all && (*granted)[i].size() == static_cast<size_t>(asking.requests[i].most);
    for (GrantedLease& lease : (*granted)[i]) {
      v1::CoordinatorMessage message;
      *message.mutable_lease() = LeaseMessage(lease);
      table_.AddLease(std::move(lease), Clock::now());
      --worker.demand;
      // A worker whose stream has ended meanwhile does not claim it when it comes again.
      if (worker.session != nullptr) postman_.Send(worker.session, std::move(message));
    }
  }
  // Where all was granted there may be more.
  if (asking.left_out && all) work_ = true;
}

}  // namespace ondelette::server
