#include <utility>

#include "server/service/result_rows.h"

namespace ondelette::server {
namespace {

// The first message is small, so that it is there soon.
constexpr size_t kFirstBytes = 64 << 10;
constexpr size_t kMessageBytes = 1 << 20;

// Of [heads, columns], those that are selected, in their order.
std::string Gather(absl::string_view body, size_t all_columns, const std::vector<int>& heads,
                   const std::vector<int>& columns) {
  std::string gathered;
  gathered.reserve(heads.size() * columns.size() * kStatisticsBytes);
  for (int head : heads) {
    const size_t row = static_cast<size_t>(head) * all_columns * kStatisticsBytes;
    if (columns.size() == all_columns) {
      gathered.append(body.data() + row, all_columns * kStatisticsBytes);
      continue;
    }
    for (int column : columns) {
      gathered.append(body.data() + row + static_cast<size_t>(column) * kStatisticsBytes,
                      kStatisticsBytes);
    }
  }
  return gathered;
}

}  // namespace

absl::StatusOr<BlockAnswer> BlockAnswer::Of(const ResultSource& source,
                                            const v1::AggregateQuery& query) {
  if (query.level() != v1::AGGREGATE_LEVEL_HEAD) {
    return FilterInvalid("packed", "blocks are of level HEAD alone",
                         "ask for level HEAD, or leave packed out");
  }
  auto selection = Select(source.store, query.filter());
  if (!selection.ok()) return selection.status();
  return BlockAnswer(source, *std::move(selection));
}

absl::Status BlockAnswer::AddBlock(const SelectedCheckpoint& shown, int layer,
                                   v1::AggregateRows& rows) {
  const StoredCheckpoint& computed = shown.computed;
  const AggregateShape shape = reader_->shape();
  auto blob = reader_->ReadLayerBytes(layer);
  if (!blob.ok()) return blob.status();
  const std::vector<int> heads = Below(selection_.heads, computed.heads);
  v1::AggregateBlock& block = *rows.add_blocks();
  block.set_model(shown.model);
  block.set_revision(shown.revision);
  block.set_layer(layer);
  block.mutable_heads()->Assign(heads.begin(), heads.end());
  for (int column : selection_.columns)
    block.add_metrics(selection_.labels[static_cast<size_t>(column)]);
  block.set_statistics(
      Gather(*LayerBody(*blob, layer, shape), selection_.labels.size(), heads, selection_.columns));
  block.set_alias_of(shown.alias_of);
  block.set_complete(IsComplete(computed));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::AggregateRows>> BlockAnswer::Next() {
  const size_t most = std::exchange(started_, true) ? kMessageBytes : kFirstBytes;
  v1::AggregateRows rows;
  size_t bytes = 0;
  while (bytes < most && checkpoint_ < selection_.checkpoints.size()) {
    const SelectedCheckpoint& shown = selection_.checkpoints[checkpoint_];
    const std::vector<int> layers = Below(selection_.layers, shown.computed.layers);
    if (layer_ == layers.size()) {
      layer_ = 0;
      reader_.reset();
      ++checkpoint_;
      continue;
    }
    if (!reader_) {
      reader_.emplace(source_.store, source_.partials, selection_.sweep, selection_.spec,
                      shown.computed);
    }
    absl::Status status = AddBlock(shown, layers[layer_++], rows);
    if (!status.ok()) return status;
    bytes += rows.blocks().rbegin()->statistics().size();
  }
  if (rows.blocks().empty()) return std::nullopt;
  return rows;
}

}  // namespace ondelette::server
