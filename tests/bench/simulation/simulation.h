// One sweep of the suite over one cluster, from the request to the last commit.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_SIMULATION_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/simulation/suite.h"

namespace ondelette::simulation {

// No schedule is faster than the largest of these. Seconds.
struct LowerBound {
  double compute = 0;  // all sequences, over the speeds of all workers
  double links = 0;    // every checkpoint read once, over all the workers' links
  double uplink = 0;   // every checkpoint read once, over the shared storage
  double job = 0;      // the longest job: its checkpoint read, loaded, and computed

  double Seconds() const;
};

struct Outcome {
  LowerBound bound;
  double makespan = 0;       // seconds, from the request to the last commit
  int64_t jobs = 0;          // begun by workers; those of workers that died twice
  double held_share = 0;     // of the jobs, that found their checkpoint in the engine
  double unique_bytes = 0;   // of all checkpoints
  double moved_bytes = 0;    // from the shared storage, by anybody
  double needed_bytes = 0;   // so many workers for each checkpoint as the bound's time asks for
  double most_moves = 0;     // of any checkpoint, beyond what is needed
  double compute_share = 0;  // of all workers' time
  double load_share = 0;
  int64_t deaths = 0;
  int64_t lost_leases = 0;
  int64_t refused = 0;
  int64_t leases = 0;
  double grant_seconds = 0;   // processor time of all calls of GrantLeases
  double grant_p99 = 0;       // of one call
  double commit_seconds = 0;  // processor time of commits without records
  double real_seconds = 0;    // that the simulation took

  double Ratio() const { return makespan / bound.Seconds(); }
  double IdleShare() const { return 1 - compute_share - load_share; }
};

// `store`: a file that is not there yet. Errors are the planner's and the store's; INTERNAL where
// the sweep did not succeed.
absl::StatusOr<Outcome> Simulate(const Assumptions& assumptions, const std::string& store);

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_SIMULATION_H_
