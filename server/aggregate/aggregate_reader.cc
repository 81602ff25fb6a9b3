#include "server/aggregate/aggregate_reader.h"

#include <utility>

#include "common/spec/columns.h"
#include "server/aggregate/rho_columns.h"

namespace ondelette::server {

bool IsComplete(const StoredCheckpoint& checkpoint) {
  return checkpoint.state == v1::CHECKPOINT_STATE_RESOLVED && checkpoint.jobs.total > 0 &&
         checkpoint.jobs.succeeded == checkpoint.jobs.total;
}

AggregateReader::AggregateReader(Store& store, PartialAggregates& partials,
                                 const StoredSweep& sweep, Spec spec, StoredCheckpoint checkpoint)
    : store_(store),
      partials_(partials),
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
  return computed_->summary();
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
  auto first = computed_->heads().statistics.begin() + layer * count;
  return std::vector<Statistics>(first, first + count);
}

absl::StatusOr<std::string> AggregateReader::ReadLayerBytes(int layer) {
  if (!computed_ && IsComplete(checkpoint_)) {
    auto blob = store_.GetAggregates(LayerKey(key_, layer));
    if (!blob.ok()) return blob.status();
    if (blob->has_value() && LayerBody(**blob, layer, shape_)) return **std::move(blob);
  }
  if (absl::Status status = Compute(); !status.ok()) return status;
  return EncodeLayer(computed_->heads(), layer, shape_);
}

absl::Status AggregateReader::Keep() {
  auto stored = StoredSummary();
  if (!stored.ok()) return stored.status();
  if (stored->has_value()) return absl::OkStatus();
  absl::Status status = ComputeComplete();
  return status.ok() ? Put() : status;
}

absl::Status AggregateReader::Compute() {
  if (computed_) return absl::OkStatus();
  if (IsComplete(checkpoint_)) {
    absl::Status status = ComputeComplete();
    // Where the disk is full they are computed again next time.
    if (status.ok()) Put().IgnoreError();
    return status;
  }
  auto figures = partials_.Of(store_, checkpoint_, spec_);
  if (!figures.ok()) return figures.status();
  computed_ = *std::move(figures);
  return absl::OkStatus();
}

absl::Status AggregateReader::ComputeComplete() {
  auto heads = ComputeHeadFigures(store_, checkpoint_, spec_);
  if (!heads.ok()) return heads.status();
  computed_ = std::make_shared<const Figures>(*std::move(heads), spec_);
  return absl::OkStatus();
}

// The summary last: where it is, all of it is.
absl::Status AggregateReader::Put() {
  for (int layer = 0; layer < shape_.layers; ++layer) {
    absl::Status status =
        store_.PutAggregates(LayerKey(key_, layer), EncodeLayer(computed_->heads(), layer, shape_));
    if (!status.ok()) return status;
  }
  return store_.PutAggregates(key_, EncodeSummary(computed_->summary(), shape_));
}

}  // namespace ondelette::server
