#include "server/plan/retry_policy.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::server {
namespace {

absl::Duration BackOff(int attempts) {
  // 2^20 seconds are far beyond the cap: the bound keeps the shift defined.
  int doublings = std::clamp(attempts - 1, 0, 20);
  return std::min(kFirstBackOff * (int64_t{1} << doublings), kLongestBackOff);
}

v1::Error Ended(absl::string_view reason, const std::string& message, const std::string& remedy,
                v1::ErrorClass error_class) {
  v1::Error error =
      ToErrorProto(MakeError(absl::StatusCode::kFailedPrecondition, reason, message, remedy));
  error.set_error_class(error_class);
  return error;
}

// At most `longest` bytes of UTF-8, not cut inside a character.
std::string Cut(const std::string& text, size_t longest) {
  if (text.size() <= longest) return text;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

void JudgeEngineDeath(const v1::Error& error, absl::string_view what, Verdict& verdict) {
  const int deaths = ++verdict.budget.engine_deaths;
  verdict.failed = deaths >= kMostEngineDeaths;
  verdict.back_off = BackOff(deaths);
  if (!verdict.failed) return;
  verdict.error = Ended("JOB_QUARANTINED",
                        absl::StrCat(what, " is quarantined: the engine died ", deaths,
                                     " times under it, last with: ", error.message()),
                        "look at the worker's log, then `ondelette retry` the sweep",
                        v1::ERROR_CLASS_ENGINE_DEATH);
}

void JudgeInfrastructure(const v1::Error& error, absl::string_view what, Verdict& verdict) {
  const int requeues = ++verdict.budget.requeues;
  verdict.failed = requeues >= kMostRequeues;
  if (!verdict.failed) return;
  verdict.error =
      Ended("JOB_LOST_TOO_OFTEN",
            absl::StrCat(what, " was lost ", requeues, " times, last with: ", error.message()),
            "look at the workers' logs and memory, then `ondelette retry` the sweep",
            v1::ERROR_CLASS_INFRASTRUCTURE);
}

}  // namespace

v1::ErrorClass ClassOfError(const v1::Error& error) {
  switch (error.error_class()) {
    case v1::ERROR_CLASS_DETERMINISTIC:
    case v1::ERROR_CLASS_TRANSIENT:
    case v1::ERROR_CLASS_INFRASTRUCTURE:
    case v1::ERROR_CLASS_ENGINE_DEATH:
      return error.error_class();
    default:
      return ToErrorProto(FromErrorProto(error)).error_class();
  }
}

v1::Error BoundedError(const v1::Error& error) {
  v1::Error bounded = error;
  if (error.code() < 1 || error.code() > 16) {
    bounded.set_code(static_cast<int>(absl::StatusCode::kUnknown));
  }
  bounded.set_reason(Cut(error.reason(), 128));
  bounded.set_message(Cut(error.message(), 8192));
  bounded.set_remedy(Cut(error.remedy(), 2048));
  return bounded;
}

Verdict Judge(const v1::Error& error, const Budget& used, absl::string_view what) {
  Verdict verdict;
  verdict.budget = used;
  verdict.error = error;
  verdict.error.set_error_class(ClassOfError(error));
  switch (verdict.error.error_class()) {
    case v1::ERROR_CLASS_ENGINE_DEATH:
      JudgeEngineDeath(error, what, verdict);
      break;
    case v1::ERROR_CLASS_INFRASTRUCTURE:
      JudgeInfrastructure(error, what, verdict);
      break;
    case v1::ERROR_CLASS_TRANSIENT:
      verdict.failed = ++verdict.budget.attempts >= kMostAttempts;
      verdict.back_off = BackOff(verdict.budget.attempts);
      break;
    default:
      verdict.failed = true;
  }
  return verdict;
}

v1::Error LostWorkerError(absl::string_view worker) {
  v1::Error error = ToErrorProto(
      MakeError(absl::StatusCode::kAborted, "WORKER_LOST",
                absl::StrCat("worker ", worker, " was not heard within the lease time"),
                "nothing to do: the job goes to another worker"));
  error.set_error_class(v1::ERROR_CLASS_INFRASTRUCTURE);
  return error;
}

}  // namespace ondelette::server
