// The aggregates of one checkpoint, from wherever they are: the store, or its records.
#ifndef ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_
#define ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "server/aggregate/aggregate_blob.h"
#include "server/aggregate/head_figures.h"
#include "server/aggregate/summary.h"
#include "server/store/store.h"

namespace ondelette::server {

// Whether every job of the (computed) checkpoint succeeded.
bool IsComplete(const StoredCheckpoint& checkpoint);

// Where a complete checkpoint has its aggregates they are read part by part. Where it has none yet
// they are computed and kept; those of an incomplete one are computed from what is committed, and
// not kept. Not thread-safe; blocks on the disk. The store outlives it.
class AggregateReader {
 public:
  // `checkpoint` is a computed one of `sweep` (no alias) with layers and heads known; `spec` is the
  // sweep's.
  AggregateReader(Store& store, const StoredSweep& sweep, Spec spec, StoredCheckpoint checkpoint);

  // They are answered even where they could not be kept.
  absl::StatusOr<Summary> ReadSummary();
  // [heads, columns] of a layer below checkpoint.layers.
  absl::StatusOr<std::vector<Statistics>> ReadLayer(int layer);

  // For a complete checkpoint: computes the aggregates and puts them, unless they are there.
  absl::Status Keep();

 private:
  absl::StatusOr<std::optional<Summary>> StoredSummary();
  // And keeps them, if it can.
  absl::Status Compute();
  absl::Status Put();

  Store& store_;
  const Spec spec_;
  const StoredCheckpoint checkpoint_;
  const AggregateKey key_;
  const AggregateShape shape_;
  std::optional<HeadFigures> computed_;  // where the store has nothing
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_
