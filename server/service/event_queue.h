// The dispatcher's inbox: closures run one after another on the thread that calls RunFor.
#ifndef ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_
#define ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_

#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace ondelette::server {

// Thread-safe; RunFor belongs to one thread. Bounded by its posters: a stream posts its next
// message only when the one before was handled, and a call waits for its answer.
class EventQueue {
 public:
  void Post(std::function<void()> event) {
    absl::MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
  }

  // Runs what was posted; where nothing was, waits at most `patience` for it.
  void RunFor(absl::Duration patience) {
    std::deque<std::function<void()>> events;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(this, &EventQueue::HasEvents), patience);
      events.swap(events_);
    }
    for (std::function<void()>& event : events) event();
  }

 private:
  bool HasEvents() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !events_.empty(); }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_EVENT_QUEUE_H_
