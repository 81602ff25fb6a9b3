// From a checkpoint to its jobs: ranges of sequences, and the keys that name their results.
// Pure functions.
#ifndef ONDELETTE_SERVER_PLAN_JOB_PLAN_H_
#define ONDELETTE_SERVER_PLAN_JOB_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ondelette::server {

// Of the layout of records and of what they hold: raise it when either changes, so that results of
// an older layout are not taken for new ones.
inline constexpr int kRecordFormat = 1;

struct JobRange {
  int64_t first = 0;
  int64_t count = 0;
};

// How many sequences make a job where the request does not say: 16, and fewer, down to 4, of large
// checkpoints and long sequences. A job then takes seconds of a GPU and minutes of two cores: what
// a lost worker costs, and what the last workers of a sweep wait for. It depends on the checkpoint
// and the spec alone, so that sweeps share results.
inline constexpr int64_t kDefaultSequencesPerJob = 16;
int64_t SequencesPerJob(int64_t checkpoint_bytes, int64_t tokens);

// [0, sequences) in ranges of sequences_per_job, the last one shorter. Both are positive.
std::vector<JobRange> ExpandJobs(int64_t sequences, int64_t sequences_per_job);

// The digest of everything that determines a job's result.
std::string JobKey(absl::string_view checkpoint_digest, absl::string_view corpus_digest,
                   absl::string_view spec_digest, JobRange range);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_JOB_PLAN_H_
