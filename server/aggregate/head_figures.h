// The figures of every head over sequences: the first half of aggregation, and the only one that
// reads records.
#ifndef ONDELETTE_SERVER_AGGREGATE_HEAD_FIGURES_H_
#define ONDELETTE_SERVER_AGGREGATE_HEAD_FIGURES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "server/aggregate/statistics.h"
#include "server/store/store.h"

namespace ondelette::server {

struct HeadFigures {
  int layers = 0;
  int heads = 0;
  int columns = 0;
  int64_t sequences = 0;               // measured
  std::vector<Statistics> statistics;  // [layers, heads, columns], over sequences
  // [treatments of the sink as RhoColumnsOf lists them, layers, heads]: the correlation over
  // sequences of positional and spectral entropy.
  std::vector<double> rho_sequences;
};

// Exact quartiles need all values of a column at once: so many bytes of records are held, and the
// records are read as often as that takes (once for 500 sequences of 1,440 heads). One head's
// records are always held together.
inline constexpr int64_t kHeldBytes = 128 << 20;

// From the records of the jobs that had succeeded when it was called: a job that commits meanwhile
// is not counted. Sequences are taken in corpus order, whatever order they were committed in. Every
// column of a record with non_finite_rows above 0, but that one, is undefined, whatever it holds.
// The checkpoint is a computed one (no alias) with layers and heads known. DATA_LOSS
// RECORDS_DAMAGED where records do not have its shape or the spec's columns, or are fewer than were
// committed; the store's errors.
absl::StatusOr<HeadFigures> ComputeHeadFigures(Store& store, const StoredCheckpoint& checkpoint,
                                               const Spec& spec, int64_t held_bytes = kHeldBytes);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_HEAD_FIGURES_H_
