#include "server/aggregate/aggregate_reader.h"

#include <utility>

#include "common/spec/columns.h"
#include "server/aggregate/rho_columns.h"

namespace ondelette::server {

bool IsComplete(const StoredCheckpoint& checkpoint) {
  return checkpoint.state == v1::CHECKPOINT_STATE_RESOLVED && checkpoint.jobs.total > 0 &&
         checkpoint.jobs.succeeded == checkpoint.jobs.total;
}

AggregateReader::AggregateReader(Store& store, const StoredSweep& sweep, Spec spec,
                                 StoredCheckpoint checkpoint)
    : store_(store),
      spec_(std::move(spec)),
      checkpoint_(std::move(checkpoint)),
      key_{checkpoint_.digest, sweep.corpus_digest, sweep.spec_digest, sweep.sequences},
      shape_{checkpoint_.layers, checkpoint_.heads, static_cast<int>(Columns(spec_).size()),
             static_cast<int>(RhoColumnsOf(spec_).size())} {}

absl::StatusOr<std::optional<Summary>> AggregateReader::StoredSummary() {
  auto blob = store_.GetAggregates(key_);
  if (!blob.ok()) return blob.status();
  return blob->has_value() ? DecodeSummary(**blob, shape_) : std::nullopt;
}

absl::StatusOr<Summary> AggregateReader::ReadSummary() {
  if (!computed_ && IsComplete(checkpoint_)) {
    auto stored = StoredSummary();
    if (!stored.ok()) return stored.status();
    if (stored->has_value()) return **std::move(stored);
  }
  if (absl::Status status = Compute(); !status.ok()) return status;
  return Summarise(*computed_, spec_);
}

absl::StatusOr<std::vector<Statistics>> AggregateReader::ReadLayer(int layer) {
  if (!computed_ && IsComplete(checkpoint_)) {
    auto blob = store_.GetAggregates(LayerKey(key_, layer));
    if (!blob.ok()) return blob.status();
    if (blob->has_value()) {
      if (auto statistics = DecodeLayer(**blob, layer, shape_)) return *std::move(statistics);
    }
  }
  if (absl::Status status = Compute(); !status.ok()) return status;
  const auto count = static_cast<ptrdiff_t>(shape_.heads) * shape_.columns;
  auto first = computed_->statistics.begin() + layer * count;
  return std::vector<Statistics>(first, first + count);
}

absl::Status AggregateReader::Keep() {
  auto stored = StoredSummary();
  if (!stored.ok()) return stored.status();
  if (stored->has_value()) return absl::OkStatus();
  auto figures = ComputeHeadFigures(store_, checkpoint_, spec_);
  if (!figures.ok()) return figures.status();
  computed_ = *std::move(figures);
  return Put();
}

absl::Status AggregateReader::Compute() {
  if (computed_) return absl::OkStatus();
  auto figures = ComputeHeadFigures(store_, checkpoint_, spec_);
  if (!figures.ok()) return figures.status();
  computed_ = *std::move(figures);
  // Where the disk is full they are computed again next time.
  if (IsComplete(checkpoint_)) Put().IgnoreError();
  return absl::OkStatus();
}

// The summary last: where it is, all of it is.
absl::Status AggregateReader::Put() {
  for (int layer = 0; layer < shape_.layers; ++layer) {
    absl::Status status =
        store_.PutAggregates(LayerKey(key_, layer), EncodeLayer(*computed_, layer, shape_));
    if (!status.ok()) return status;
  }
  return store_.PutAggregates(key_, EncodeSummary(Summarise(*computed_, spec_), shape_));
}

}  // namespace ondelette::server
