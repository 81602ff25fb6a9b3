// What happens to a job (or to a checkpoint being resolved) when an attempt at it went wrong.
// Pure functions; docs/queue.md has the table.
#ifndef ONDELETTE_SERVER_PLAN_RETRY_POLICY_H_
#define ONDELETTE_SERVER_PLAN_RETRY_POLICY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ondelette/v1/errors.pb.h"

namespace ondelette::server {

inline constexpr int kMostAttempts = 5;      // transient errors
inline constexpr int kMostEngineDeaths = 3;  // then the job is quarantined
inline constexpr int kMostRequeues = 100;    // lost leases and infrastructure errors
inline constexpr absl::Duration kFirstBackOff = absl::Seconds(1);
inline constexpr absl::Duration kLongestBackOff = absl::Minutes(2);

// How much of its budgets a job has used.
struct Budget {
  int32_t attempts = 0;
  int32_t engine_deaths = 0;
  int32_t requeues = 0;
};

struct Verdict {
  bool failed = false;      // or back to the queue
  Budget budget;            // afterwards
  absl::Duration back_off;  // before the next attempt
  v1::Error error;          // what to keep
};

// The class of an error: its own, or that of its code where it names none.
v1::ErrorClass ClassOfError(const v1::Error& error);

// An error as a worker sent it, with its texts cut to what is worth keeping and a code that exists.
v1::Error BoundedError(const v1::Error& error);

// `what` names the job or checkpoint for people.
Verdict Judge(const v1::Error& error, const Budget& used, absl::string_view what);

// The error of a lease whose worker was not heard for too long.
v1::Error LostWorkerError(absl::string_view worker);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_RETRY_POLICY_H_
