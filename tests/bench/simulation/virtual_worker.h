// A worker on virtual time: what worker/agent/work_loop.h does, with seconds in place of an engine.
//
// As there: two leases at a time; a lane that prepares (finds and digests the lease's checkpoint), one
// that resolves, one that reads ahead, and the engine, which loads and computes one job after the
// other. A lane has one thing to do at a time.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_VIRTUAL_WORKER_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_VIRTUAL_WORKER_H_

#include <deque>
#include <list>
#include <set>
#include <string>
#include <vector>

#include "tests/bench/simulation/coordinator.h"
#include "tests/bench/simulation/page_cache.h"

namespace ondelette::simulation {

// Not thread-safe.
class VirtualWorker : public WorkerPort {
 public:
  struct World {
    Events* events;
    Coordinator* coordinator;
    Uplink* uplink;
    const Suite* suite;
    const Assumptions* assumptions;
    Moves* moves;
  };

  struct Figures {
    double compute_seconds = 0;  // the engine's, of jobs that ended
    double load_seconds = 0;     // the engine waits for a checkpoint or takes it over
    int64_t jobs = 0;
    int64_t held_jobs = 0;  // of a checkpoint that the engine held already
  };

  // `speed`: 1 for a device of full speed.
  VirtualWorker(World world, int index, double speed);

  void Start();
  // The machine is switched off, and is back with nothing in its memory after `seconds`.
  void Die(double seconds);

  void OnLease(const server::GrantedLease& lease) override;
  void OnResolveTask(const server::StoredCheckpoint& checkpoint) override;
  void OnAcknowledgement(const server::LeaseKey& lease, bool committed) override;

  const Figures& figures() const { return figures_; }

 private:
  enum class Stage { kQueued, kPreparing, kPrepared, kRunning, kFinished };
  struct Held {
    server::GrantedLease lease;
    Stage stage = Stage::kQueued;
  };

  Held* First(Stage stage);
  Held* Find(const server::LeaseKey& key);
  int Unfinished() const;
  void Advance();
  void PrepareNext();
  void OnPrepared(const server::LeaseKey& key, int checkpoint);
  void FeedEngine();
  void Compute(const server::GrantedLease& lease, double began);
  void OnJobDone(const server::LeaseKey& key, double load_seconds, double compute_seconds);
  void ResolveNext();
  void ReadAhead(int checkpoint);
  void ReadNext(const server::GrantedLease& lease);
  void Request();
  int Checkpoint(const server::GrantedLease& lease) const;
  void Know(int checkpoint);  // its files are digested: the newest on the shelf
  // Only if the worker has not died meanwhile.
  std::function<void()> InThisLife(std::function<void()> then);

  const World world_;
  const int index_;
  const double speed_;
  PageCache cache_;
  Figures figures_;
  int life_ = 0;

  std::string id_;
  std::list<Held> held_;
  std::deque<server::StoredCheckpoint> to_resolve_;
  std::set<int> digested_;
  std::deque<std::string> shelf_;  // digests, the newest first
  int requested_ = 0;
  int loaded_ = -1;
  int read_ahead_ = -1;  // the last
  bool preparing_ = false;
  bool resolving_ = false;
  bool reading_ahead_ = false;
  bool engine_busy_ = false;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_VIRTUAL_WORKER_H_
