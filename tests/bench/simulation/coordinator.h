// The coordinator's dispatcher on virtual time, without gRPC: the same calls of the same store in the
// same order (server/service/dispatcher.cc), over a real SQLite file.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_COORDINATOR_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_COORDINATOR_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/store.h"
#include "tests/bench/simulation/events.h"
#include "tests/bench/simulation/suite.h"

namespace ondelette::simulation {

// What the coordinator says to a worker. Calls arrive: the latency has passed.
class WorkerPort {
 public:
  virtual ~WorkerPort() = default;
  virtual void OnLease(const server::GrantedLease& lease) = 0;
  virtual void OnResolveTask(const server::StoredCheckpoint& checkpoint) = 0;
  virtual void OnAcknowledgement(const server::LeaseKey& lease, bool committed) = 0;
};

// Not thread-safe. Owns nothing. An error of the store ends the simulation: see status().
class Coordinator {
 public:
  struct Costs {
    std::vector<double> grant_seconds;  // processor time of each GrantLeases
    double grant_total = 0;
    int64_t leases = 0;
    double commit_total = 0;
    int64_t commits = 0;
    int64_t refused = 0;  // results of leases that were lost
    int64_t lost = 0;     // leases of workers that died
  };

  Coordinator(Events& events, server::Store& store, const Assumptions& assumptions);

  // ---- What workers say; each is sent now and arrives after the latency ----
  void Hello(const std::string& worker, WorkerPort* port);
  void Request(const std::string& worker, int leases, std::vector<std::string> held);
  void Resolved(const std::string& worker, int64_t checkpoint, server::Resolution resolution);
  void Succeeded(const std::string& worker, const server::GrantedLease& lease,
                 double compute_seconds, double load_seconds);
  // Not said: the worker is gone, and is missed when the lease time has passed.
  void Vanish(const std::string& worker);

  const absl::Status& status() const { return status_; }
  const Costs& costs() const { return costs_; }

 private:
  struct Worker {
    WorkerPort* port = nullptr;  // null when it is gone
    int demand = 0;
    std::vector<std::string> held;
    std::map<std::string, server::GrantedLease> leases;  // by job
    int tasks = 0;
    bool served = false;  // nothing was left for it, and no work has appeared since
  };

  void Arrive(std::function<void()> message);
  void FillSoon();
  void Fill();
  void LookForTasks();
  void GiveTasks(Worker& worker);
  void GiveLeases(const std::vector<std::pair<const std::string*, Worker*>>& takers);
  void Expire(const std::string& worker);
  absl::Time Now() const;
  void Check(const absl::Status& status);

  Events& events_;
  server::Store& store_;
  const Assumptions& assumptions_;
  std::map<std::string, Worker> workers_;
  std::deque<server::StoredCheckpoint> unresolved_;
  std::set<int64_t> resolving_;
  bool fill_is_due_ = false;
  absl::Status status_;
  Costs costs_;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_COORDINATOR_H_
