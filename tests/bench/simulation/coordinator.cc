#include "tests/bench/simulation/coordinator.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "server/plan/retry_policy.h"

namespace ondelette::simulation {
namespace {

// As the dispatcher's.
constexpr int kMostTasksPerWorker = 2;
constexpr int kMostUnresolved = 1024;

double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A result without records: their bytes cost the coordinator the same whoever computed them, and
// would fill the disk. One row tells the store's check that nothing was measured.
server::JobResult ResultOf(double compute_seconds, double load_seconds) {
  server::JobResult result;
  result.architecture = "gpt_neox";
  result.engine_version = "simulated";
  result.device = "simulated";
  result.dtype = "float32";
  result.compute_seconds = compute_seconds;
  result.load_seconds = load_seconds;
  return result;
}

}  // namespace

Coordinator::Coordinator(Events& events, server::Store& store, const Assumptions& assumptions)
    : events_(events), store_(store), assumptions_(assumptions) {
  store_.SetListener([this](const server::StoreNotice& notice) {
    if (!notice.work) return;
    for (auto& [id, worker] : workers_) worker.served = false;
    FillSoon();
  });
}

absl::Time Coordinator::Now() const {
  return absl::FromUnixSeconds(1'800'000'000) + absl::Seconds(events_.now());
}

void Coordinator::Check(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

void Coordinator::Arrive(std::function<void()> message) {
  events_.After(assumptions_.latency, std::move(message));
}

void Coordinator::Hello(const std::string& worker, WorkerPort* port) {
  Arrive([this, worker, port] { workers_[worker].port = port; });
}

void Coordinator::Request(const std::string& worker, int leases, std::vector<std::string> held) {
  Arrive([this, worker, leases, held = std::move(held)]() mutable {
    Worker& asks = workers_[worker];
    asks.demand = leases;
    asks.held = std::move(held);
    asks.served = false;
    FillSoon();
  });
}

void Coordinator::Resolved(const std::string& worker, int64_t checkpoint,
                           server::Resolution resolution) {
  Arrive([this, worker, checkpoint, resolution = std::move(resolution)] {
    Check(store_.ResolveCheckpoint(checkpoint, resolution, Now()));
    resolving_.erase(checkpoint);
    --workers_[worker].tasks;
    FillSoon();
  });
}

void Coordinator::Succeeded(const std::string& worker, const server::GrantedLease& lease,
                            double compute_seconds, double load_seconds) {
  Arrive([this, worker, key = lease.key, compute_seconds, load_seconds] {
    const double start = ProcessorSeconds();
    auto outcome = store_.CommitJob(key, ResultOf(compute_seconds, load_seconds), Now());
    costs_.commit_total += ProcessorSeconds() - start;
    if (!outcome.ok()) return Check(outcome.status());
    ++(outcome->committed ? costs_.commits : costs_.refused);
    Worker& computed = workers_[worker];
    computed.leases.erase(key.job);
    if (computed.port == nullptr) return;
    Arrive([port = computed.port, key, committed = outcome->committed] {
      port->OnAcknowledgement(key, committed);
    });
  });
}

void Coordinator::Vanish(const std::string& worker) {
  workers_[worker].port = nullptr;
  workers_[worker].demand = 0;
  events_.After(assumptions_.lease_seconds, [this, worker] { Expire(worker); });
}

void Coordinator::Expire(const std::string& worker) {
  Worker& lost = workers_[worker];
  for (const auto& [job, lease] : lost.leases) {
    auto held = store_.FailJob(lease.key, server::LostWorkerError(worker), Now());
    Check(held.status());
    ++costs_.lost;
  }
  lost.leases.clear();
  // The checkpoints that it was resolving are asked for again.
  resolving_.clear();
  unresolved_.clear();
  FillSoon();
}

void Coordinator::FillSoon() {
  if (std::exchange(fill_is_due_, true)) return;
  events_.After(0, [this] { Fill(); });
}

void Coordinator::Fill() {
  fill_is_due_ = false;
  std::vector<std::pair<const std::string*, Worker*>> order;
  for (auto& [id, worker] : workers_) {
    if (worker.port != nullptr) order.emplace_back(&id, &worker);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second->leases.size() < b.second->leases.size();
  });
  LookForTasks();
  for (auto [id, worker] : order) GiveTasks(*worker);
  GiveLeases(order);
}

void Coordinator::LookForTasks() {
  if (!unresolved_.empty()) return;
  auto found = store_.UnresolvedCheckpoints(kMostUnresolved, Now());
  if (!found.ok()) return Check(found.status());
  for (server::StoredCheckpoint& checkpoint : *found) {
    if (resolving_.count(checkpoint.id) == 0) unresolved_.push_back(std::move(checkpoint));
  }
}

void Coordinator::GiveTasks(Worker& worker) {
  while (worker.tasks < kMostTasksPerWorker && !unresolved_.empty()) {
    server::StoredCheckpoint checkpoint = std::move(unresolved_.front());
    unresolved_.pop_front();
    resolving_.insert(checkpoint.id);
    ++worker.tasks;
    Arrive([port = worker.port, checkpoint] { port->OnResolveTask(checkpoint); });
  }
}

void Coordinator::GiveLeases(const std::vector<std::pair<const std::string*, Worker*>>& takers) {
  std::vector<server::LeaseRequest> requests;
  std::vector<Worker*> askers;  // of each
  auto ask = [&](const std::string& id, Worker* worker, int most) {
    if (most <= 0 || worker->served) return;
    requests.push_back({id, worker->held, most});
    askers.push_back(worker);
  };
  // One lease each before anybody gets a second.
  for (auto [id, worker] : takers) {
    if (worker->leases.empty()) ask(*id, worker, std::min(1, worker->demand));
  }
  for (auto [id, worker] : takers) ask(*id, worker, worker->demand - worker->leases.empty());
  if (requests.empty()) return;
  const double start = ProcessorSeconds();
  auto granted = store_.GrantLeases(requests, Now());
  costs_.grant_total += ProcessorSeconds() - start;
  costs_.grant_seconds.push_back(ProcessorSeconds() - start);
  if (!granted.ok()) return Check(granted.status());
  for (size_t i = 0; i < askers.size(); ++i) {
    Worker& worker = *askers[i];
    worker.served = static_cast<int>((*granted)[i].size()) < requests[i].most;
    worker.demand -= static_cast<int>((*granted)[i].size());
    for (const server::GrantedLease& lease : (*granted)[i]) {
      ++costs_.leases;
      worker.leases[lease.key.job] = lease;
      Arrive([port = worker.port, lease] { port->OnLease(lease); });
    }
  }
}

}  // namespace ondelette::simulation
