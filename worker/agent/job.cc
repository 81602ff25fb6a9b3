#include "worker/agent/job.h"

#include "common/rpc/rpc_status.h"
#include "worker/agent/engine.h"
#include "worker/agent/utf8.h"

namespace ondelette::agent {
namespace {

absl::string_view View(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

v1::Error WorkerError(const absl::Status& status) {
  v1::Error error = ToErrorProto(status);
  error.set_message(ToUtf8(View(error.message())));
  error.set_remedy(ToUtf8(View(error.remedy())));
  error.set_reason(ToUtf8(View(error.reason())));
  if (IsEngineDeath(status)) error.set_error_class(v1::ERROR_CLASS_ENGINE_DEATH);
  const bool accident = IsEngineKilled(status) || IsEngineUnavailable(status);
  if (accident) error.set_error_class(v1::ERROR_CLASS_INFRASTRUCTURE);
  return error;
}

std::shared_ptr<const FinishedJob> JobWithoutResult(const v1::LeaseId& lease,
                                                    const absl::Status& status) {
  auto job = std::make_shared<FinishedJob>();
  job->lease = lease;
  const bool unwanted = status.code() == absl::StatusCode::kCancelled;
  if (unwanted || IsEngineUnavailable(status)) return job;
  job->kind = FinishedJob::Kind::kFailed;
  job->error = WorkerError(status);
  return job;
}

}  // namespace ondelette::agent
