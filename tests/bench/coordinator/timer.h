// Calls things later, on one thread: how simulated workers compute without computing.
#ifndef ONDELETTE_TESTS_BENCH_COORDINATOR_TIMER_H_
#define ONDELETTE_TESTS_BENCH_COORDINATOR_TIMER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace ondelette::bench {

// Thread-safe. What is due when it is destroyed is dropped.
class Timer {
 public:
  using Clock = std::chrono::steady_clock;

  Timer() : thread_([this] { Run(); }) {}
  ~Timer() {
    {
      std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void After(std::chrono::duration<double> delay, std::function<void()> call) {
    std::lock_guard lock(mutex_);
    const auto due = Clock::now() + std::chrono::duration_cast<Clock::duration>(delay);
    const bool first = calls_.empty() || due < calls_.begin()->first;
    calls_.emplace(due, std::move(call));
    if (first) changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stops_) {
      if (calls_.empty()) {
        changed_.wait(lock);
      } else if (Clock::now() < calls_.begin()->first) {
        const Clock::time_point due = calls_.begin()->first;
        changed_.wait_until(lock, due);
      } else {
        std::function<void()> call = std::move(calls_.begin()->second);
        calls_.erase(calls_.begin());
        lock.unlock();
        call();
        lock.lock();
      }
    }
  }

  std::mutex mutex_;  // guards the next two
  std::multimap<Clock::time_point, std::function<void()>> calls_;
  bool stops_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace ondelette::bench

#endif  // ONDELETTE_TESTS_BENCH_COORDINATOR_TIMER_H_
