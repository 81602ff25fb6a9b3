// Cuts off streams whose other end makes no progress: a stalled reader or writer must not hold
// memory or a place for ever.
#ifndef ONDELETTE_SERVER_SERVICE_STALL_GUARD_H_
#define ONDELETTE_SERVER_SERVICE_STALL_GUARD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <mutex>
#include <unordered_map>

namespace ondelette::server {

// Thread-safe.
class StallGuard {
 public:
  explicit StallGuard(std::chrono::milliseconds patience) : patience_(patience) {}

  // From now on the stream waits for its other end.
  void Waits(grpc::CallbackServerContext* context);
  // It waits no longer. Call it before the context ends, too.
  void Goes(grpc::CallbackServerContext* context);

  // Cancels what has waited too long. Called now and then.
  void CutStalled();

 private:
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // guards waiting_
  std::unordered_map<grpc::CallbackServerContext*, std::chrono::steady_clock::time_point> waiting_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_STALL_GUARD_H_
