// The coordinator in one object: store, dispatcher, services and the gRPC server.
#ifndef ONDELETTE_SERVER_COORDINATOR_H_
#define ONDELETTE_SERVER_COORDINATOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ondelette::server {

struct CoordinatorOptions {
  std::string store = "ondelette.db";
  int64_t store_max_bytes = 0;                    // 0: as the disk allows
  std::string listen = "127.0.0.1:7470";          // port 0 takes a free one
  std::string metrics_listen = "127.0.0.1:7471";  // empty: no /metrics
  absl::Duration lease_time = absl::Seconds(30);
  absl::Duration drain_time = absl::Seconds(5);
  absl::Duration stall_time = absl::Seconds(60);  // then a stalled stream is cut off
};

// Thread-safe.
class Coordinator {
 public:
  // Opens the store and serves. FAILED_PRECONDITION names the address that cannot be bound, or the
  // coordinator that has the store.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(const CoordinatorOptions& options);
  // Stops at once what Drain did not.
  ~Coordinator();

  // host:port as they are bound; metrics is empty where there are none.
  const std::string& address() const;
  const std::string& metrics_address() const;

  // Tells workers and watchers to leave, finishes what is being committed, and stops serving:
  // within drain_time and two seconds.
  void Drain();

 private:
  struct Parts;
  explicit Coordinator(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_COORDINATOR_H_
