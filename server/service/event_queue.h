// The dispatcher's inbox: closures run one after another on the thread that calls Run.
#ifndef ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_
#define ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "absl/time/time.h"

namespace ondelette::server {

// Thread-safe; Wait and Run belong to one thread. Bounded by its posters: a stream is read on only
// while few of its messages wait here, and a call waits for its answer.
class EventQueue {
 public:
  void Post(std::function<void()> event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    if (events_.size() == 1) posted_.notify_one();
  }

  // Returns when something is there, or after `patience`.
  void Wait(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    posted_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                     [this] { return !events_.empty(); });
  }

  // Runs what was posted by now.
  void Run() {
    std::deque<std::function<void()>> events;
    {
      std::lock_guard lock(mutex_);
      events.swap(events_);
    }
    for (std::function<void()>& event : events) event();
  }

 private:
  std::mutex mutex_;  // guards events_
  std::condition_variable posted_;
  std::deque<std::function<void()>> events_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_
