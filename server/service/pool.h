// A fixed number of threads for work that blocks on the store, so that gRPC's own threads never do
// and health answers whatever else runs.
#ifndef ONDELETTE_SERVER_SERVICE_POOL_H_
#define ONDELETTE_SERVER_SERVICE_POOL_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ondelette::server {

// Thread-safe. The destructor runs what was accepted, then joins the threads.
class Pool {
 public:
  // At most `most_waiting` tasks wait for a thread. Threads of a higher niceness give way to others.
  Pool(int threads, size_t most_waiting, int niceness = 0);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // False where too much is waiting already: answer the caller Overloaded().
  [[nodiscard]] bool Run(std::function<void()> task);

 private:
  void Work();

  const size_t most_waiting_;
  const int niceness_;
  std::mutex mutex_;  // guards the next two; changed_ tells of their changes
  std::deque<std::function<void()>> tasks_;
  bool stops_ = false;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_POOL_H_
