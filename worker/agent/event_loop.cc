#include "worker/agent/event_loop.h"

#include <utility>

namespace ondelette::agent {

void EventLoop::Post(std::function<void()> event) {
  PostAfter(absl::ZeroDuration(), std::move(event));
}

void EventLoop::PostAfter(absl::Duration delay, std::function<void()> event) {
  const Clock::time_point when = Clock::now() + absl::ToChronoNanoseconds(delay);
  {
    std::lock_guard lock(mutex_);
    events_.emplace(when, std::move(event));
  }
  changed_.notify_all();
}

void EventLoop::Run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (events_.empty()) {
      changed_.wait(lock);
      continue;
    }
    auto first = events_.begin();
    if (const Clock::time_point when = first->first; when > Clock::now()) {
      changed_.wait_until(lock, when);
      continue;
    }
    std::function<void()> event = std::move(first->second);
    events_.erase(first);
    lock.unlock();
    event();
    event = nullptr;
    lock.lock();
  }
}

void EventLoop::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

}  // namespace ondelette::agent
