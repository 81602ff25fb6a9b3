// A job on its way through the worker: leased, prepared, finished.
#ifndef ONDELETTE_WORKER_AGENT_JOB_H_
#define ONDELETTE_WORKER_AGENT_JOB_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ondelette/v1/work.pb.h"
#include "worker/hub/model_source.h"

namespace ondelette::agent {

// A lease's two threads of communication: the event loop cancels, the lanes report.
struct JobControl {
  std::atomic<bool> cancelled = false;
  std::atomic<int64_t> sequences_done = 0;
};

// Bytes of a reason why a sequence was skipped: those of a whole job fit into one message.
inline constexpr size_t kLongestReason = 256;

// A sequence ready for the engine: exactly the spec's number of token ids.
struct PreparedSequence {
  int64_t index = 0;  // in the corpus
  std::vector<int32_t> tokens;
};

// Everything the engine needs for a job, found, verified and tokenized.
struct PreparedJob {
  v1::Lease lease;
  std::string spec_json;  // canonical
  int columns = 0;        // of a record under the spec
  std::shared_ptr<const ResolvedCheckpoint> checkpoint;
  std::vector<PreparedSequence> sequences;
  std::vector<v1::SkippedSequence> skipped;
};

// What the coordinator has to be told about a lease. Immutable once made; kept until acknowledged.
struct FinishedJob {
  enum class Kind { kSucceeded, kFailed, kReturned };
  Kind kind = Kind::kReturned;
  v1::LeaseId lease;
  v1::JobSucceeded succeeded;  // kSucceeded
  std::string records;         // kSucceeded: float32 [sequences, layers, heads, columns]
  v1::Error error;             // kFailed
};

// A status as the coordinator keeps it: in UTF-8, of bounded length, and an engine's death as a
// class of its own.
v1::Error WorkerError(const absl::Status& status);

// The end of a job that did not succeed: failed by its class, or returned where the worker is to
// blame (no engine to be had) or the job is not wanted.
std::shared_ptr<const FinishedJob> JobWithoutResult(const v1::LeaseId& lease,
                                                    const absl::Status& status);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_JOB_H_
