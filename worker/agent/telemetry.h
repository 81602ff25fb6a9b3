// What the worker tells Prometheus.
#ifndef ONDELETTE_WORKER_AGENT_TELEMETRY_H_
#define ONDELETTE_WORKER_AGENT_TELEMETRY_H_

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

namespace ondelette::agent {

// Counters and the HTTP server that shows them at /metrics. Thread-safe. Labels are few and fixed:
// never a model, step, sequence or job.
class Telemetry {
 public:
  Telemetry();
  ~Telemetry();

  // Serves /metrics on `address` ("127.0.0.1:7472"; port 0 takes a free one) from threads of its
  // own until destroyed, so that it answers whatever the worker does. Returns the port.
  // FAILED_PRECONDITION naming the address where it cannot be bound.
  absl::StatusOr<int> Serve(const std::string& address);

  void SetBuildInfo(absl::string_view version, absl::string_view engine_version,
                    absl::string_view device);
  void SetConnected(bool connected);
  // outcome: "succeeded" (committed), "refused", "failed", "returned" or "revoked".
  void CountJob(absl::string_view outcome);
  void CountSequences(int64_t sequences);
  // cause: "crash", "killed", "out_of_memory", "exit", "hang", "garbled", "internal_error" or
  // "interrupted".
  void CountRestart(absl::string_view cause);
  void CountBusy(double seconds);
  // `prepared`: the engine had loaded it beside its work before.
  void CountLoad(double seconds, int64_t bytes, bool prepared);

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>* jobs_;
  prometheus::Counter* sequences_;
  prometheus::Family<prometheus::Counter>* restarts_;
  prometheus::Counter* busy_seconds_;
  prometheus::Histogram* load_seconds_;
  prometheus::Counter* prepared_loads_;
  prometheus::Counter* load_bytes_;
  prometheus::Gauge* connected_;
  prometheus::Family<prometheus::Gauge>* build_info_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_TELEMETRY_H_
