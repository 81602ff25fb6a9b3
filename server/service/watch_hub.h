// Watchers of sweeps: each reads the events from the store as fast as its client takes them, and
// waits here when there are none.
#ifndef ONDELETTE_SERVER_SERVICE_WATCH_HUB_H_
#define ONDELETTE_SERVER_SERVICE_WATCH_HUB_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ondelette/v1/sweep.pb.h"
#include "server/service/pool.h"
#include "server/service/stall_guard.h"
#include "server/store/store.h"

namespace ondelette::server {

class WatchReactor;

// Thread-safe. Outlives the gRPC server whose streams it serves.
class WatchHub {
 public:
  static constexpr size_t kMostWatchers = 1024;

  WatchHub(Store& store, Pool& pool, StallGuard& guard)
      : store_(store), pool_(pool), guard_(guard) {}

  grpc::ServerWriteReactor<v1::SweepEvent>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::WatchSweepRequest& request);
  // These sweeps have new events.
  void Notify(const std::vector<std::string>& sweeps);
  // The coordinator leaves: every watch ends with UNAVAILABLE.
  void Close();

 private:
  friend class WatchReactor;
  // False where there is no room for another, or the hub is closed.
  bool Add(WatchReactor* watcher);
  void Remove(WatchReactor* watcher);

  Store& store_;
  Pool& pool_;
  StallGuard& guard_;
  std::mutex mutex_;  // guards what follows
  std::set<WatchReactor*> watchers_;
  bool closed_ = false;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_WATCH_HUB_H_
