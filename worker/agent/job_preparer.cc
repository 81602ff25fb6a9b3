#include "worker/agent/job_preparer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"

namespace ondelette::agent {

JobPreparer::JobPreparer(CheckpointShelf* shelf, CorpusCache corpora)
    : shelf_(shelf), corpora_(std::move(corpora)) {}

absl::StatusOr<PreparedJob> JobPreparer::Prepare(const v1::Lease& lease,
                                                 const JobControl& control) {
  if (lease.sequences() < 1 || lease.sequences() > kMostSequences || lease.first_sequence() < 0) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "LEASE_INVALID",
        absl::StrCat("a lease of ", lease.sequences(), " sequences from ", lease.first_sequence(),
                     " on; 1 to ", kMostSequences, " are allowed"),
        "use a coordinator and a worker of the same version");
  }
  absl::StatusOr<Spec> spec = ParseSpec({lease.spec_json().data(), lease.spec_json().size()});
  if (!spec.ok()) return spec.status();
  absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> checkpoint =
      shelf_->ResolveExpected(lease.model(), lease.revision(), lease.checkpoint_digest());
  if (!checkpoint.ok()) return checkpoint.status();
  absl::StatusOr<std::shared_ptr<const Corpus>> corpus =
      corpora_.Get(lease.corpus_digest(), control.cancelled);
  if (!corpus.ok()) return corpus.status();
  absl::StatusOr<std::vector<CorpusSequence>> sequences =
      (*corpus)->Read(lease.first_sequence(), lease.sequences());
  if (!sequences.ok()) return sequences.status();
  absl::StatusOr<SequenceSet> set =
      PrepareSequences(*sequences, spec->tokens, **checkpoint, tokenizers_, control.cancelled);
  if (!set.ok()) return set.status();
  PreparedJob job;
  job.lease = lease;
  job.spec_json = SpecToJson(*spec);
  job.columns = static_cast<int>(Columns(*spec).size());
  job.checkpoint = *std::move(checkpoint);
  job.sequences = std::move(set->measured);
  job.skipped = std::move(set->skipped);
  return job;
}

}  // namespace ondelette::agent
