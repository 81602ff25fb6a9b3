#include "server/plan/job_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"

namespace ondelette::server {

std::vector<JobRange> ExpandJobs(int64_t sequences, int64_t sequences_per_job) {
  std::vector<JobRange> ranges;
  ranges.reserve((sequences + sequences_per_job - 1) / sequences_per_job);
  for (int64_t first = 0; first < sequences; first += sequences_per_job) {
    ranges.push_back({first, std::min(sequences_per_job, sequences - first)});
  }
  return ranges;
}

std::string JobKey(absl::string_view checkpoint_digest, absl::string_view corpus_digest,
                   absl::string_view spec_digest, JobRange range) {
  return Sha256Of(absl::StrCat("ondelette job ", kRecordFormat, "\ncheckpoint ", checkpoint_digest,
                               "\ncorpus ", corpus_digest, "\nspec ", spec_digest, "\nsequences ",
                               range.first, "+", range.count, "\n"));
}

}  // namespace ondelette::server
