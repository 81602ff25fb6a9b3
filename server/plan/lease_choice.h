// Which checkpoint a worker works on next. No I/O.
//
// Reading and loading a checkpoint costs as much as a job does or more, so a worker stays where it
// is. Large checkpoints are begun first, so that what is left at the end is small; only when none
// is left untouched do workers share one, and only while it has jobs for all of them. A worker that
// will soon need another checkpoint is told which, and that one is kept for it, unless another had
// nothing to do: of what many were told, all but one would read it for nothing.
#ifndef ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_
#define ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/plan/lease_counts.h"

namespace ondelette::server {

// What of a checkpoint never changes while it has jobs.
struct CheckpointFacts {
  int64_t sweep = 0;
  std::string digest;
  int64_t bytes = 0;  // of its files: what it costs to read
  // What one of its jobs costs to compute: bytes times sequences.
  double job_work = 0;
};

// What is known between one round of grants and the next. It may be lost at any time.
struct LeaseMemory {
  std::unordered_map<int64_t, CheckpointFacts> facts;  // by checkpoint
  std::map<std::string, int64_t> promised;  // by worker: the checkpoint it was told to read next
  std::optional<LeaseCounts> leases;
};

// The queue as it stands in a round of grants, kept up with them. Not thread-safe.
class LeaseBoard {
 public:
  static constexpr int64_t kNone = 0;

  // Owns it not; from here on its leases are known.
  explicit LeaseBoard(LeaseMemory& memory);

  // ---- What there is: all of it, before the first question ----

  // A checkpoint with queued jobs, oldest sweep first and in listing order. Its facts are in the
  // memory.
  void Add(int64_t checkpoint, int64_t queued);
  // So many more leases of a worker on a checkpoint, with or without queued jobs.
  void AddLeases(const std::string& worker, int64_t checkpoint, int64_t leases);
  // Forgets what is of no use any more: facts and promises of checkpoints without queued jobs, and
  // promises to workers that have no lease and are not `asking`: they are gone.
  void Forget(const std::set<std::string>& asking);

  // ---- What to give ----

  // The checkpoint of the next lease of a worker that holds the files of these checkpoints, the
  // loaded one first; kNone: nothing now. In this order:
  //  1. the one that it has loaded, then those that it has leases on. A second lease of a shared one
  //     only while there are as many jobs queued as workers on it: the last are spread;
  //  2. the one it was promised;
  //  3. for a worker that has nothing yet, one of middling size that nobody works on: it is read
  //     soon, and computed while a large one is read;
  //  4. of the oldest sweep, one with so much left for each of its workers that all others would
  //     wait for it;
  //  5. of the oldest sweep, one that nobody works on: first those whose files it holds; the largest;
  //  6. a shared one with enough jobs left that joining pays: first those whose files it holds; the
  //     one with most left to do for each worker;
  //  7. for a worker that would have nothing to do: the largest that nobody works on but was
  //     promised to another. It is there before that one is.
  int64_t Choose(const std::string& worker, const std::vector<std::string>& held);
  // So many of its jobs were leased to the worker; `dry`: no more of it is ready.
  void Granted(const std::string& worker, int64_t checkpoint, int64_t jobs, bool dry);
  // What the worker should read meanwhile, kept for it from now on: kNone while it has more to do on
  // the checkpoint that it works on than reading the next one takes.
  int64_t Promise(const std::string& worker, int64_t checkpoint,
                  const std::vector<std::string>& held);

 private:
  struct Entry {
    int64_t checkpoint = 0;
    const CheckpointFacts* facts = nullptr;
    int64_t queued = 0;
    int64_t workers = 0;   // with leases on it
    int64_t expected = 0;  // workers that it is promised to

    double Left() const { return static_cast<double>(queued) * facts->job_work; }
  };
  struct Rank;
  // A worker, looked up once for all entries.
  struct Asker {
    const std::map<int64_t, int64_t>& leases;  // by checkpoint
    int64_t promised;
  };

  Entry* Find(int64_t checkpoint);
  Asker Find(const std::string& worker) const;
  static bool MayHaveMore(const Asker& asker, const Entry& entry);
  static Rank RankOf(const Asker& asker, const Entry& entry, bool here, double fair);
  int64_t ChooseFirst() const;
  int64_t ChoosePromised() const;
  // The best of 4 to 6.
  int64_t ChooseNew(const Asker& asker, const std::vector<std::string>& held,
                    int64_t without) const;
  void KeepPromise(const std::string& worker, int64_t checkpoint);

  LeaseMemory& memory_;
  LeaseCounts& leases_;  // the memory's
  std::vector<Entry> entries_;
  std::unordered_map<int64_t, size_t> index_;  // of entries_, by checkpoint
  std::unordered_map<std::string, std::vector<size_t>> by_digest_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_LEASE_CHOICE_H_
