#include "server/service/pool.h"

#include <sys/resource.h>

#include <utility>

namespace ondelette::server {

Pool::Pool(int threads, size_t most_waiting, int niceness)
    : most_waiting_(most_waiting), niceness_(niceness) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Pool::~Pool() {
  {
    std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Pool::Run(std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (tasks_.size() >= most_waiting_) return false;
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void Pool::Work() {
  // On Linux, of this thread alone. Where it is refused, the thread works on as it is.
  if (niceness_ != 0) (void)setpriority(PRIO_PROCESS, 0, niceness_);
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stops_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace ondelette::server
