// What the coordinator tells Prometheus. Labels are few and fixed: never a model, step, sequence,
// job or sweep.
#ifndef ONDELETTE_SERVER_TELEMETRY_H_
#define ONDELETTE_SERVER_TELEMETRY_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ondelette/v1/errors.pb.h"
#include "server/store/rows.h"

namespace ondelette::server {

// Counters and the HTTP server that shows them at /metrics. Thread-safe. Nothing here touches the
// store, so that /metrics answers whatever the store does.
class Telemetry {
 public:
  explicit Telemetry(absl::string_view version);
  ~Telemetry();

  // Serves /metrics on `address` ("127.0.0.1:7471"; port 0 takes a free one) until destroyed.
  // Returns the port. FAILED_PRECONDITION METRICS_ADDRESS where it cannot be bound.
  absl::StatusOr<int> Serve(const std::string& address);

  void SetJobs(const JobCounts& counts);
  void SetWorkersConnected(int workers);
  void CountCommit(int64_t records, double seconds);
  void CountRefusal();
  void CountFailure(v1::ErrorClass error_class);
  void CountExpired(int64_t leases);
  // From the grant of a lease to its commit.
  void ObserveLease(double seconds);
  void CountRpc(absl::string_view method, int code);

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Gauge>* jobs_;
  prometheus::Gauge* workers_;
  prometheus::Counter* commits_;
  prometheus::Counter* refusals_;
  prometheus::Counter* records_;
  prometheus::Family<prometheus::Counter>* failures_;
  prometheus::Counter* expired_;
  prometheus::Histogram* commit_seconds_;
  prometheus::Histogram* lease_seconds_;
  prometheus::Family<prometheus::Counter>* rpcs_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_TELEMETRY_H_
