// Virtual time: things happen in the order of their times, at no cost of real time.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_EVENTS_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_EVENTS_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace ondelette::simulation {

// Not thread-safe. Seconds since the beginning. What is due at one instant happens in the order in
// which it was asked for, so that a run is the same every time.
class Events {
 public:
  double now() const { return now_; }

  void After(double seconds, std::function<void()> happens) {
    queue_.push({now_ + seconds, next_++, std::move(happens)});
  }

  // Until `done` or until nothing is left to happen.
  void RunUntil(const std::function<bool()>& done) {
    while (!queue_.empty() && !done()) {
      // The queue gives its top away only as const.
      auto happens = std::move(const_cast<Event&>(queue_.top()).happens);
      now_ = queue_.top().time;
      queue_.pop();
      happens();
    }
  }

 private:
  struct Event {
    double time;
    int64_t order;
    std::function<void()> happens;
    bool operator<(const Event& other) const {
      return std::pair(time, order) > std::pair(other.time, other.order);
    }
  };

  double now_ = 0;
  int64_t next_ = 0;
  std::priority_queue<Event> queue_;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_EVENTS_H_
