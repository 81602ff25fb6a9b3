#include "server/aggregate/aggregate_checkpoint.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "server/aggregate/aggregate_reader.h"

namespace ondelette::server {

absl::Status AggregateCheckpoint(Store& store, int64_t checkpoint_id) {
  auto checkpoint = store.GetCheckpoint(checkpoint_id);
  if (checkpoint.ok() && checkpoint->state == v1::CHECKPOINT_STATE_ALIASED)
    checkpoint = store.GetCheckpoint(checkpoint->alias_of);
  if (!checkpoint.ok()) return checkpoint.status();
  if (!IsComplete(*checkpoint)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "CHECKPOINT_INCOMPLETE",
        absl::StrCat(checkpoint->model, "@", checkpoint->revision, ": ", checkpoint->jobs.succeeded,
                     " of ", checkpoint->jobs.total, " jobs have succeeded"),
        "aggregate it when all have; queries compute what is there meanwhile");
  }
  if (checkpoint->layers == 0 || checkpoint->heads == 0)
    return absl::OkStatus();  // nothing measured
  auto sweep = store.FindSweep(checkpoint->sweep_id);
  if (!sweep.ok()) return sweep.status();
  auto spec = ParseSpec(sweep->spec_json);
  if (!spec.ok()) return spec.status();
  PartialAggregates none;  // the checkpoint is complete
  return AggregateReader(store, none, *sweep, *spec, *checkpoint).Keep();
}

}  // namespace ondelette::server
