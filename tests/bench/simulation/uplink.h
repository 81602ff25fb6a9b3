// The shared storage: every worker that reads gets an equal share of it, and no more than its own
// link carries.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_UPLINK_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_UPLINK_H_

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "tests/bench/simulation/events.h"

namespace ondelette::simulation {

// Not thread-safe. One transfer at a time for each worker.
class Uplink {
 public:
  // Bytes a second.
  Uplink(Events& events, double link, double uplink)
      : events_(events), link_(link), uplink_(uplink) {}

  void Start(int worker, double bytes, std::function<void()> done);
  // Forgets the worker's transfer, if there is one.
  void Cancel(int worker);

 private:
  double Rate() const;
  void Advance();     // served_ to now
  void Reschedule();  // the end of the transfer that ends next
  void EndFirst();

  struct Transfer {
    double end;  // on the scale of served_
    std::function<void()> done;
  };

  Events& events_;
  const double link_;
  const double uplink_;
  // Bytes that a worker which read all the time would have got by last_: all rates are equal, so
  // that a transfer ends when this has grown by its bytes.
  double served_ = 0;
  double last_ = 0;
  int64_t version_ = 0;
  std::map<int, Transfer> transfers_;
  std::set<std::pair<double, int>> ends_;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_UPLINK_H_
