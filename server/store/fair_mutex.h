// A mutex that a thread which unlocks it and locks it again at once does not win for ever.
#ifndef ONDELETTE_SERVER_STORE_FAIR_MUTEX_H_
#define ONDELETTE_SERVER_STORE_FAIR_MUTEX_H_

#include <mutex>

namespace ondelette::server {

// For std::lock_guard. Whoever waits stands in the turnstile, so that nobody passes.
class FairMutex {
 public:
  void lock() {
    std::lock_guard turn(turnstile_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex turnstile_;
  std::mutex mutex_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_FAIR_MUTEX_H_
