// The aggregates of one checkpoint, from wherever they are: the store, or its records.
#ifndef ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_
#define ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "server/aggregate/aggregate_blob.h"
#include "server/aggregate/head_figures.h"
#include "server/aggregate/partial_aggregates.h"
#include "server/aggregate/summary.h"
#include "server/store/store.h"

namespace ondelette::server {

// Whether every job of the (computed) checkpoint succeeded.
bool IsComplete(const StoredCheckpoint& checkpoint);

// Where a complete checkpoint has its aggregates they are read part by part. Where it has none yet
// they are computed and kept; those of an incomplete one come from `partials`. Not thread-safe;
// blocks on the disk. Store and partials outlive it.
class AggregateReader {
 public:
  // `checkpoint` is a computed one of `sweep` (no alias) with layers and heads known; `spec` is the
  // sweep's.
  AggregateReader(Store& store, PartialAggregates& partials, const StoredSweep& sweep, Spec spec,
                  StoredCheckpoint checkpoint);

  const AggregateShape& shape() const { return shape_; }

  // They are answered even where they could not be kept.
  absl::StatusOr<Summary> ReadSummary();
  // [heads, columns] of a layer below checkpoint.layers.
  absl::StatusOr<std::vector<Statistics>> ReadLayer(int layer);
  // The same as the store's bytes: aggregate_blob.h.
  absl::StatusOr<std::string> ReadLayerBytes(int layer);

  // For a complete checkpoint: computes the aggregates and puts them, unless they are there.
  absl::Status Keep();

 private:
  absl::StatusOr<std::optional<Summary>> StoredSummary();
  // From records; a complete checkpoint's are kept, if they can be.
  absl::Status Compute();
  absl::Status ComputeComplete();
  absl::Status Put();

  Store& store_;
  PartialAggregates& partials_;
  const Spec spec_;
  const StoredCheckpoint checkpoint_;
  const AggregateKey key_;
  const AggregateShape shape_;
  std::shared_ptr<const Figures> computed_;  // where the store has nothing
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_AGGREGATE_READER_H_
