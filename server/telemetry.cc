#include "server/telemetry.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(prometheus::Registry& registry, const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

prometheus::Histogram& Seconds(prometheus::Registry& registry, const char* name, const char* help,
                               const prometheus::Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

std::string ClassWord(v1::ErrorClass error_class) {
  switch (error_class) {
    case v1::ERROR_CLASS_DETERMINISTIC:
      return "deterministic";
    case v1::ERROR_CLASS_TRANSIENT:
      return "transient";
    case v1::ERROR_CLASS_INFRASTRUCTURE:
      return "infrastructure";
    case v1::ERROR_CLASS_ENGINE_DEATH:
      return "engine_death";
    default:
      return "unspecified";
  }
}

}  // namespace

Telemetry::Telemetry(absl::string_view version)
    : registry_(std::make_shared<prometheus::Registry>()),
      jobs_(&Gauges(*registry_, "ondelette_jobs", "Jobs of all sweeps by state.")),
      workers_(&Gauges(*registry_, "ondelette_workers_connected", "Workers with an open stream.")
                    .Add({})),
      commits_(&Counters(*registry_, "ondelette_job_commits_total", "Jobs committed.").Add({})),
      refusals_(&Counters(*registry_, "ondelette_job_commits_refused_total",
                          "Results refused: lease lost, sweep cancelled or job done.")
                     .Add({})),
      records_(
          &Counters(*registry_, "ondelette_records_committed_total", "Records committed.").Add({})),
      failures_(&Counters(*registry_, "ondelette_job_failures_total",
                          "Attempts at jobs that failed, by error class.")),
      expired_(&Counters(*registry_, "ondelette_leases_expired_total",
                         "Leases lost by workers that were not heard in time.")
                    .Add({})),
      commit_seconds_(&Seconds(*registry_, "ondelette_commit_seconds",
                               "Time to commit a job's records.",
                               {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5})),
      lease_seconds_(&Seconds(*registry_, "ondelette_lease_seconds",
                              "Time from a lease's grant to its commit.",
                              {.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800})),
      rpcs_(&Counters(*registry_, "ondelette_rpcs_total", "Unary calls by method and code.")) {
  Gauges(*registry_, "ondelette_build_info", "1, with the version as a label.")
      .Add({{"version", std::string(version)}})
      .Set(1);
  SetJobs({});
  // From the start on: a rate over a series that is not there yet is nothing, not zero.
  for (v1::ErrorClass each : {v1::ERROR_CLASS_DETERMINISTIC, v1::ERROR_CLASS_TRANSIENT,
                              v1::ERROR_CLASS_INFRASTRUCTURE, v1::ERROR_CLASS_ENGINE_DEATH}) {
    failures_->Add({{"error_class", ClassWord(each)}});
  }
}

Telemetry::~Telemetry() = default;

absl::StatusOr<int> Telemetry::Serve(const std::string& address) {
  // The one module of the coordinator's that throws; nothing of it leaves this function.
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(address, 2);
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "METRICS_ADDRESS",
                     absl::StrCat("cannot serve /metrics on ", address, ": ", error.what()),
                     "name a free address with --metrics-listen");
  }
  exposer_->RegisterCollectable(registry_);
  return exposer_->GetListeningPorts().front();
}

void Telemetry::SetJobs(const JobCounts& counts) {
  auto set = [this](const char* state, int64_t count) {
    jobs_->Add({{"state", state}}).Set(static_cast<double>(count));
  };
  set("queued", counts.queued);
  set("leased", counts.leased);
  set("succeeded", counts.succeeded);
  set("failed", counts.failed);
  set("cancelled", counts.cancelled);
}

void Telemetry::SetWorkersConnected(int workers) { workers_->Set(workers); }

void Telemetry::CountCommit(int64_t records, double seconds) {
  commits_->Increment();
  records_->Increment(static_cast<double>(records));
  commit_seconds_->Observe(seconds);
}

void Telemetry::CountRefusal() { refusals_->Increment(); }

void Telemetry::CountFailure(v1::ErrorClass error_class) {
  failures_->Add({{"error_class", ClassWord(error_class)}}).Increment();
}

void Telemetry::CountExpired(int64_t leases) { expired_->Increment(static_cast<double>(leases)); }

void Telemetry::ObserveLease(double seconds) { lease_seconds_->Observe(seconds); }

void Telemetry::CountRpc(absl::string_view method, int code) {
  rpcs_->Add({{"method", std::string(method)}, {"code", std::to_string(code)}}).Increment();
}

}  // namespace ondelette::server
