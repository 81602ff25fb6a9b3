#include "worker/agent/telemetry.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::agent {
namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name,
                                                   const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

Telemetry::Telemetry()
    : registry_(std::make_shared<prometheus::Registry>()),
      jobs_(&CounterFamily(*registry_, "ondelette_worker_jobs_total", "Jobs by how they ended.")),
      sequences_(&CounterFamily(*registry_, "ondelette_worker_sequences_total",
                                "Sequences measured by the engine.")
                      .Add({})),
      restarts_(&CounterFamily(*registry_, "ondelette_worker_engine_restarts_total",
                               "Ends of the engine's process by cause; it is started anew.")),
      busy_seconds_(&CounterFamily(*registry_, "ondelette_worker_engine_busy_seconds_total",
                                   "Seconds the engine spent on requests.")
                         .Add({})),
      load_seconds_(&prometheus::BuildHistogram()
                         .Name("ondelette_worker_load_seconds")
                         .Help("Seconds a job waited for its checkpoint to be loaded.")
                         .Register(*registry_)
                         .Add({}, prometheus::Histogram::BucketBoundaries{0.1, 0.3, 1, 3, 10, 30,
                                                                          100, 300, 1000})),
      prepared_loads_(&CounterFamily(*registry_, "ondelette_worker_prepared_loads_total",
                                     "Checkpoints loaded while the engine worked on another.")
                           .Add({})),
      load_bytes_(&CounterFamily(*registry_, "ondelette_worker_load_bytes_total",
                                 "Bytes of weights loaded into the engine.")
                       .Add({})),
      connected_(&GaugeFamily(*registry_, "ondelette_worker_connected",
                              "1 while the coordinator has welcomed this worker, else 0.")
                      .Add({})),
      build_info_(&GaugeFamily(*registry_, "ondelette_worker_build_info",
                               "Versions of worker and engine, and the device.")) {
  // A series that is 0 from the start can be watched for its first increase.
  for (const char* outcome : {"succeeded", "refused", "failed", "returned", "revoked"}) {
    jobs_->Add({{"outcome", outcome}});
  }
  for (const char* cause : {"crash", "killed", "out_of_memory", "exit", "hang", "garbled",
                            "internal_error", "interrupted"}) {
    restarts_->Add({{"cause", cause}});
  }
}

Telemetry::~Telemetry() = default;

absl::StatusOr<int> Telemetry::Serve(const std::string& address) {
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(address);
    exposer_->RegisterCollectable(registry_);
    const std::vector<int> ports = exposer_->GetListeningPorts();
    if (!ports.empty()) return ports.front();
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "METRICS_ADDRESS",
                     absl::StrCat("cannot serve metrics on ", address, ": ", error.what()),
                     "give another address with --metrics-listen; port 0 takes a free one");
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "METRICS_ADDRESS",
                   absl::StrCat("cannot serve metrics on ", address),
                   "give another address with --metrics-listen; port 0 takes a free one");
}

void Telemetry::SetBuildInfo(absl::string_view version, absl::string_view engine_version,
                             absl::string_view device) {
  build_info_
      ->Add({{"version", std::string(version)},
             {"engine_version", std::string(engine_version)},
             {"device", std::string(device)}})
      .Set(1);
}

void Telemetry::SetConnected(bool connected) { connected_->Set(connected ? 1 : 0); }

void Telemetry::CountJob(absl::string_view outcome) {
  jobs_->Add({{"outcome", std::string(outcome)}}).Increment();
}

void Telemetry::CountSequences(int64_t sequences) {
  sequences_->Increment(static_cast<double>(sequences));
}

void Telemetry::CountRestart(absl::string_view cause) {
  restarts_->Add({{"cause", std::string(cause)}}).Increment();
}

void Telemetry::CountBusy(double seconds) { busy_seconds_->Increment(seconds); }

void Telemetry::CountLoad(double seconds, int64_t bytes, bool prepared) {
  load_seconds_->Observe(seconds);
  if (prepared) prepared_loads_->Increment();
  load_bytes_->Increment(static_cast<double>(bytes));
}

}  // namespace ondelette::agent
