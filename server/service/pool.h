// A fixed number of threads for work that blocks on the store, so that gRPC's own threads never do
// and health answers whatever else runs.
#ifndef ONDELETTE_SERVER_SERVICE_POOL_H_
#define ONDELETTE_SERVER_SERVICE_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace ondelette::server {

// Thread-safe. The destructor runs what was accepted, then joins the threads.
class Pool {
 public:
  // At most `most_waiting` tasks wait for a thread.
  Pool(int threads, size_t most_waiting);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // False where too much is waiting already: answer the caller Overloaded().
  [[nodiscard]] bool Run(std::function<void()> task);

 private:
  void Work();
  bool HasTaskOrStops() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const size_t most_waiting_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_POOL_H_
