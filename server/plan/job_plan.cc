#include "server/plan/job_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"

namespace ondelette::server {

int64_t SequencesPerJob(int64_t checkpoint_bytes, int64_t tokens) {
  // Bytes times tokens are as many flops as a pass takes, at two bytes a parameter.
  constexpr double kMostWork = 2e14;
  constexpr double kFewest = 4;
  const double work = static_cast<double>(checkpoint_bytes) * static_cast<double>(tokens);
  return static_cast<int64_t>(std::clamp(kMostWork / std::max(1.0, work), kFewest,
                                         static_cast<double>(kDefaultSequencesPerJob)));
}

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
