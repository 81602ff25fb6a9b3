// A lease made ready for the engine: its checkpoint found and verified, its sequences fetched and
// tokenized, while the engine works on another.
#ifndef ONDELETTE_WORKER_AGENT_JOB_PREPARER_H_
#define ONDELETTE_WORKER_AGENT_JOB_PREPARER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "worker/agent/checkpoint_shelf.h"
#include "worker/agent/corpus_cache.h"
#include "worker/agent/job.h"
#include "worker/agent/sequences.h"

namespace ondelette::agent {

// One thread at a time.
class JobPreparer {
 public:
  static constexpr int64_t kMostSequences = 8192;  // of one job: JobSucceeded stays under 4 MB

  // Does not own the shelf.
  JobPreparer(CheckpointShelf* shelf, CorpusCache corpora);

  // INVALID_ARGUMENT LEASE_INVALID or SPEC_INVALID on a lease that makes no sense; errors of
  // CheckpointShelf::ResolveExpected, CorpusCache::Get, Corpus::Read and PrepareSequences;
  // CANCELLED once control.cancelled.
  absl::StatusOr<PreparedJob> Prepare(const v1::Lease& lease, const JobControl& control);

 private:
  CheckpointShelf* const shelf_;
  CorpusCache corpora_;
  TokenizerCache tokenizers_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_JOB_PREPARER_H_
