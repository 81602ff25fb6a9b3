// The checkpoints that a worker's memory holds, and the reading of those that it does not.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_PAGE_CACHE_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_PAGE_CACHE_H_

#include <functional>
#include <list>
#include <vector>

#include "tests/bench/simulation/suite.h"
#include "tests/bench/simulation/uplink.h"

namespace ondelette::simulation {

// How often each checkpoint was read from the shared storage, by anybody: whole reads, so that an
// interrupted one counts as the part of it that was done.
using Moves = std::vector<double>;

// Not thread-safe. Whoever asks for a checkpoint that is being read waits for that reading.
class PageCache {
 public:
  enum class Urgency { kAhead, kNow };

  PageCache(Events& events, Uplink& uplink, const Suite& suite, Moves& moves, int worker,
            double capacity)
      : events_(events),
        uplink_(uplink),
        suite_(suite),
        moves_(moves),
        worker_(worker),
        capacity_(capacity) {}

  // `done` is called when the whole checkpoint is in memory; never before this returns.
  void Read(int checkpoint, Urgency urgency, std::function<void()> done);
  // The machine was switched off: what was being read is forgotten, too.
  void Clear();

 private:
  struct Reading {
    int checkpoint;
    double left;  // bytes
    Urgency urgency;
    std::vector<std::function<void()>> waiting;
  };

  void ReadOn();
  void OnPiece(double bytes);
  void Keep(int checkpoint);

  Events& events_;
  Uplink& uplink_;
  const Suite& suite_;
  Moves& moves_;
  const int worker_;
  const double capacity_;
  std::list<int> kept_;  // the last used first
  double kept_bytes_ = 0;
  std::list<Reading> readings_;  // oldest first
  std::list<Reading>::iterator current_;
  bool reading_ = false;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_PAGE_CACHE_H_
