#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/aggregate/rho_columns.h"
#include "server/service/result_rows.h"

namespace ondelette::server {
namespace {

void ToProto(const Statistics& from, v1::Statistics& to) {
  to.set_count(from.count);
  to.set_undefined(from.undefined);
  to.set_mean(from.mean);
  to.set_standard_deviation(from.standard_deviation);
  to.set_minimum(from.minimum);
  to.set_first_quartile(from.first_quartile);
  to.set_median(from.median);
  to.set_third_quartile(from.third_quartile);
  to.set_maximum(from.maximum);
}

void ToProto(const Correlation& from, v1::CorrelationRow& to) {
  to.set_rho(from.rho);
  to.set_rho_key_shuffled(from.rho_key_shuffled);
  to.set_difference(from.rho - from.rho_key_shuffled);
  to.set_interval_low(from.interval_low);
  to.set_interval_high(from.interval_high);
  to.set_rho_sequences(from.rho_sequences);
}

// A filter that a level's figures cannot follow would be passed over in silence.
absl::Status CheckLevel(const v1::AggregateQuery& query) {
  const v1::Filter& filter = query.filter();
  switch (query.level()) {
    case v1::AGGREGATE_LEVEL_HEAD:
      return absl::OkStatus();
    case v1::AGGREGATE_LEVEL_LAYER:
      if (filter.heads().empty()) return absl::OkStatus();
      return FilterInvalid("heads", "figures of a layer are over all its heads",
                           "leave heads out, or ask for level HEAD");
    case v1::AGGREGATE_LEVEL_MODEL:
      if (filter.heads().empty() && filter.layers().empty()) return absl::OkStatus();
      return FilterInvalid("layers and heads", "figures of a model are over all its heads",
                           "leave layers and heads out, or ask for level LAYER or HEAD");
    default:
      return FilterInvalid("level", "is missing or unknown", "ask for HEAD, LAYER or MODEL");
  }
}

}  // namespace

absl::StatusOr<AggregateAnswer> AggregateAnswer::Of(const ResultSource& source,
                                                    const v1::AggregateQuery& query) {
  if (absl::Status status = CheckLevel(query); !status.ok()) return status;
  auto selection = Select(source.store, query.filter());
  if (!selection.ok()) return selection.status();
  return AggregateAnswer(source, *std::move(selection), query.level());
}

AggregateAnswer::AggregateAnswer(const ResultSource& source, Selection selection,
                                 v1::AggregateLevel level)
    : source_(source), selection_(std::move(selection)), level_(level) {}

absl::Status AggregateAnswer::LoadHeads() {
  const StoredCheckpoint& computed = shown_->computed;
  const int layer = Below(selection_.layers, computed.layers)[layer_];
  auto statistics = reader_->ReadLayer(layer);
  if (!statistics.ok()) return statistics.status();
  for (int head : Below(selection_.heads, computed.heads)) {
    for (int column : selection_.columns) {
      const size_t index =
          static_cast<size_t>(head) * selection_.labels.size() + static_cast<size_t>(column);
      rows_.push_back({layer, head, column, (*statistics)[index]});
    }
  }
  return absl::OkStatus();
}

absl::Status AggregateAnswer::LoadSummary() {
  auto summary = reader_->ReadSummary();
  if (!summary.ok()) return summary.status();
  if (level_ == v1::AGGREGATE_LEVEL_MODEL) {
    for (int column : selection_.columns)
      rows_.push_back({-1, -1, column, summary->model[static_cast<size_t>(column)]});
    return absl::OkStatus();
  }
  for (int layer : Below(selection_.layers, summary->layers)) {
    for (int column : selection_.columns) {
      const size_t index =
          static_cast<size_t>(layer) * selection_.labels.size() + static_cast<size_t>(column);
      rows_.push_back({layer, -1, column, summary->layer[index]});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> AggregateAnswer::Load() {
  rows_.clear();
  next_row_ = 0;
  if (checkpoint_ >= selection_.checkpoints.size()) return false;
  shown_ = &selection_.checkpoints[checkpoint_];
  const StoredCheckpoint& computed = shown_->computed;
  if (!reader_)
    reader_.emplace(source_.store, source_.partials, selection_.sweep, selection_.spec, computed);
  const bool heads = level_ == v1::AGGREGATE_LEVEL_HEAD;
  const size_t pieces = heads ? Below(selection_.layers, computed.layers).size() : 1;
  if (layer_ < pieces) {
    absl::Status status = heads ? LoadHeads() : LoadSummary();
    if (!status.ok()) return status;
    ++layer_;
  }
  if (layer_ >= pieces) {
    layer_ = 0;
    reader_.reset();
    ++checkpoint_;
  }
  return true;
}

void AggregateAnswer::AddRow(const Row& row, v1::AggregateRows& rows, Batch& batch) const {
  v1::AggregateRow& out = *rows.add_rows();
  out.set_model(shown_->model);
  out.set_revision(shown_->revision);
  out.set_layer(row.layer);
  out.set_head(row.head);
  out.set_metric(selection_.labels[static_cast<size_t>(row.column)]);
  ToProto(row.statistics, *out.mutable_statistics());
  out.set_alias_of(shown_->alias_of);
  out.set_complete(IsComplete(shown_->computed));
  batch.Add(out.model().size() + out.revision().size() + out.metric().size() +
            out.alias_of().size() + 128);
}

absl::StatusOr<std::optional<v1::AggregateRows>> AggregateAnswer::Next() {
  v1::AggregateRows rows;
  Batch batch;
  while (!batch.Ripe()) {
    if (next_row_ == rows_.size()) {
      auto loaded = Load();
      if (!loaded.ok()) return loaded.status();
      if (!*loaded) break;
    }
    while (next_row_ < rows_.size() && !batch.Full()) AddRow(rows_[next_row_++], rows, batch);
  }
  if (batch.Empty()) return std::nullopt;
  return rows;
}

absl::StatusOr<CorrelationAnswer> CorrelationAnswer::Of(const ResultSource& source,
                                                        const v1::CorrelationQuery& query) {
  v1::Filter filter = query.filter();
  if (!filter.heads().empty()) {
    return FilterInvalid("heads", "correlations are over all heads of a layer", "leave heads out");
  }
  filter.clear_metrics();
  // -1 asks for the mean over layers.
  const bool layers = !filter.layers().empty();
  auto& numbers = *filter.mutable_layers();
  const auto real = std::remove(numbers.begin(), numbers.end(), -1);
  const bool mean = real != numbers.end();
  numbers.Truncate(static_cast<int>(real - numbers.begin()));
  auto selection = Select(source.store, filter);
  if (!selection.ok()) return selection.status();
  return CorrelationAnswer(source, *std::move(selection), mean || !layers,
                           !layers || !numbers.empty());
}

CorrelationAnswer::CorrelationAnswer(const ResultSource& source, Selection selection,
                                     bool with_mean, bool with_layers)
    : source_(source),
      selection_(std::move(selection)),
      with_mean_(with_mean),
      with_layers_(with_layers) {}

absl::StatusOr<std::optional<v1::CorrelationRows>> CorrelationAnswer::Next() {
  const std::vector<RhoColumns> treatments = RhoColumnsOf(selection_.spec);
  v1::CorrelationRows rows;
  Batch batch;
  while (!batch.Ripe() && checkpoint_ < selection_.checkpoints.size()) {
    const SelectedCheckpoint& shown = selection_.checkpoints[checkpoint_++];
    auto summary = AggregateReader(source_.store, source_.partials, selection_.sweep,
                                   selection_.spec, shown.computed)
                       .ReadSummary();
    if (!summary.ok()) return summary.status();
    std::vector<int> layers;
    if (with_mean_) layers.push_back(-1);
    if (with_layers_) {
      for (int layer : Below(selection_.layers, summary->layers)) layers.push_back(layer);
    }
    for (int layer : layers) {
      for (size_t i = 0; i < treatments.size(); ++i) {
        v1::CorrelationRow& row = *rows.add_rows();
        row.set_model(shown.model);
        row.set_revision(shown.revision);
        row.set_layer(layer);
        row.set_sink_dropped(treatments[i].sink_dropped);
        row.set_alias_of(shown.alias_of);
        const size_t index =
            i * (1 + static_cast<size_t>(summary->layers)) + static_cast<size_t>(layer + 1);
        ToProto(summary->correlations[index], row);
        batch.Add(row.ByteSizeLong());
      }
    }
  }
  if (batch.Empty()) return std::nullopt;
  return rows;
}

}  // namespace ondelette::server
