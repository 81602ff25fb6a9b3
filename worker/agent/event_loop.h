// The event loop: one thread owns the worker's state, everything else posts to it.
#ifndef ONDELETTE_WORKER_AGENT_EVENT_LOOP_H_
#define ONDELETTE_WORKER_AGENT_EVENT_LOOP_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "absl/time/time.h"

namespace ondelette::agent {

// Runs events in the order of their times, events of one time in the order they were posted.
// Post, PostAfter and Stop may be called from any thread; events never run concurrently. Times are
// of the steady clock, so that setting the wall clock neither delays nor hastens a heartbeat.
class EventLoop {
 public:
  void Post(std::function<void()> event);
  void PostAfter(absl::Duration delay, std::function<void()> event);
  // Runs events on the calling thread until Stop.
  void Run();
  // The event under way ends; those that wait are never run.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, std::function<void()>> events_;
  bool stopped_ = false;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_EVENT_LOOP_H_
