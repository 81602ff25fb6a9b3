// A lane: one thread that does one thing after another.
#ifndef ONDELETTE_WORKER_AGENT_LANE_H_
#define ONDELETTE_WORKER_AGENT_LANE_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace ondelette::agent {

// Thread-safe. Lanes are what keeps slow things (hashing, tokenizing, the engine) off the event
// loop.
class Lane {
 public:
  // `niceness` is added to the thread's priority value: 0 for work that others wait for, 10 for
  // work that must never slow the engine down.
  explicit Lane(int niceness = 0);
  // Waits for the work under way; what has not begun is forgotten.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void Post(std::function<void()> work);

 private:
  void Run(int niceness);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_LANE_H_
