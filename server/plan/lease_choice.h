// Which checkpoint a worker works on next. Pure functions.
//
// Loading a checkpoint costs more than a job does, so a worker stays where it is; new checkpoints
// are spread over the workers, and only when none is left untouched do two share one.
#ifndef ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_
#define ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ondelette::server {

// A checkpoint with queued jobs.
struct LeaseCandidate {
  int64_t checkpoint_id = 0;
  std::string digest;
  std::string model;
  std::string revision;
  int64_t queued = 0;
  int64_t other_workers = 0;  // workers with leases on it, without the one that asks
};

// Orders `candidates`, given oldest sweep first and in listing order, best first:
//  1. the checkpoint that the worker has loaded (held[0]);
//  2. one whose files it holds and that nobody else works on;
//  3. one that nobody works on;
//  4. one whose files it holds;
//  5. the one with most queued jobs per worker (stealing at the tail).
// Within 1 to 4 the given order stays.
void RankCandidates(const std::vector<std::string>& held, std::vector<LeaseCandidate>& candidates);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_
