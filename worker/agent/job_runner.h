// A prepared job through the engine.
#ifndef ONDELETTE_WORKER_AGENT_JOB_RUNNER_H_
#define ONDELETTE_WORKER_AGENT_JOB_RUNNER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ondelette/v1/work.pb.h"
#include "worker/agent/engine.h"
#include "worker/agent/job.h"

namespace ondelette::agent {

// The largest result one job may have, in bytes of records.
inline constexpr int64_t kLargestResult = 256 << 20;

// Loads the checkpoint if another is held, analyzes, and checks every record's shape and order.
// Never fails: whatever happens is the job's end. Runs on the engine's thread.
std::shared_ptr<const FinishedJob> RunJob(const PreparedJob& job, JobControl& control,
                                          Engine& engine);

// The analytic patterns of a spec through the engine's analyzer. Errors are ParseSpec's and the
// engine's.
absl::StatusOr<v1::Controls> RunControls(absl::string_view spec_json, Engine& engine);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_JOB_RUNNER_H_
