#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/aggregate/measured_sequences.h"
#include "server/service/result_rows.h"

namespace ondelette::server {
namespace {

constexpr int64_t kPageBytes = 1 << 20;

absl::StatusOr<std::vector<int64_t>> SelectSequences(const v1::RecordQuery& query, int64_t count) {
  std::vector<int64_t> sequences = Sorted(query.sequences());
  if (sequences.empty()) return sequences;
  if (sequences.front() < 0) {
    return FilterInvalid("sequences", absl::StrCat(sequences.front(), " is below 0"),
                         "sequences are numbered from 0, as the corpus has them");
  }
  if (sequences.back() >= count) {
    return FilterUnknown(absl::StatusCode::kNotFound,
                         absl::StrCat("sequence ", sequences.back(), " is not in the sweep"),
                         {absl::StrCat("0 to ", count - 1)});
  }
  return sequences;
}

size_t RowBytes(const v1::RecordRow& row) {
  return row.model().size() + row.revision().size() + row.sequence_id().size() +
         sizeof(float) * static_cast<size_t>(row.values_size()) + 32;
}

}  // namespace

absl::StatusOr<RecordAnswer> RecordAnswer::Of(const ResultSource& source,
                                              const v1::RecordQuery& query) {
  auto selection = Select(source.store, query.filter());
  if (!selection.ok()) return selection.status();
  auto sequences = SelectSequences(query, selection->sweep.sequences);
  if (!sequences.ok()) return sequences.status();
  return RecordAnswer(source.store, *std::move(selection), *std::move(sequences));
}

RecordAnswer::RecordAnswer(Store& store, Selection selection, std::vector<int64_t> sequences)
    : store_(&store), selection_(std::move(selection)), sequences_(std::move(sequences)) {}

std::optional<int64_t> RecordAnswer::NextWanted() const {
  if (sequences_.empty()) return next_sequence_;
  auto next = std::lower_bound(sequences_.begin(), sequences_.end(), next_sequence_);
  if (next == sequences_.end()) return std::nullopt;
  return *next;
}

int64_t RecordAnswer::BytesWanted(const StoredCheckpoint& checkpoint) const {
  if (sequences_.empty()) return kPageBytes;
  const int64_t record_bytes = int64_t{sizeof(float)} * checkpoint.layers * checkpoint.heads *
                               static_cast<int64_t>(selection_.labels.size());
  auto next = std::lower_bound(sequences_.begin(), sequences_.end(), next_sequence_);
  int64_t bytes = 0;
  for (int64_t expected = *next; next != sequences_.end() && *next == expected;
       ++next, ++expected) {
    bytes += record_bytes;
    if (bytes >= kPageBytes) break;
  }
  return std::min(bytes, kPageBytes);
}

// The next page of wanted records, or page_ empty at the end of the last checkpoint.
absl::Status RecordAnswer::ReadPage() {
  page_.clear();
  in_page_ = 0;
  while (checkpoint_ < selection_.checkpoints.size()) {
    const StoredCheckpoint& computed = selection_.checkpoints[checkpoint_].computed;
    const std::optional<int64_t> wanted = NextWanted();
    if (wanted) {
      auto page = store_->Records(computed.id, *wanted, BytesWanted(computed));
      if (!page.ok()) return page.status();
      page_ = *std::move(page);
    }
    if (page_.empty()) {
      ++checkpoint_;
      next_sequence_ = 0;
      continue;
    }
    next_sequence_ = page_.back().sequence + 1;
    for (const SequenceRecords& records : page_) {
      absl::Status status =
          CheckRecords(records, computed, static_cast<int>(selection_.labels.size()));
      if (!status.ok()) return status;
    }
    auto unwanted = [this](const SequenceRecords& records) {
      return !sequences_.empty() &&
             !std::binary_search(sequences_.begin(), sequences_.end(), records.sequence);
    };
    page_.erase(std::remove_if(page_.begin(), page_.end(), unwanted), page_.end());
    if (!page_.empty()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

void RecordAnswer::AddRow(const SelectedCheckpoint& checkpoint, const SequenceRecords& records,
                          int layer, int head, v1::RecordRows& rows) const {
  v1::RecordRow& row = *rows.add_rows();
  row.set_model(checkpoint.model);
  row.set_revision(checkpoint.revision);
  row.set_sequence(records.sequence);
  row.set_sequence_id(records.sequence_id);
  row.set_layer(layer);
  row.set_head(head);
  const size_t first = (static_cast<size_t>(layer) * static_cast<size_t>(records.heads) +
                        static_cast<size_t>(head)) *
                       static_cast<size_t>(records.columns);
  row.mutable_values()->Reserve(static_cast<int>(selection_.columns.size()));
  for (int column : selection_.columns) {
    float value;
    std::memcpy(&value, records.data.data() + (first + static_cast<size_t>(column)) * sizeof(float),
                sizeof(float));
    row.add_values(value);
  }
}

absl::StatusOr<std::optional<v1::RecordRows>> RecordAnswer::Next() {
  v1::RecordRows rows;
  Batch batch;
  if (!started_) {
    for (int column : selection_.columns)
      rows.add_columns(selection_.labels[static_cast<size_t>(column)]);
  }
  while (!batch.Ripe()) {
    if (in_page_ == page_.size()) {
      if (absl::Status status = ReadPage(); !status.ok()) return status;
      if (page_.empty()) break;
    }
    const SelectedCheckpoint& checkpoint = selection_.checkpoints[checkpoint_];
    const SequenceRecords& records = page_[in_page_];
    const std::vector<int> layers = Below(selection_.layers, records.layers);
    const std::vector<int> heads = Below(selection_.heads, records.heads);
    for (; in_record_ < layers.size() * heads.size() && !batch.Full(); ++in_record_) {
      AddRow(checkpoint, records, layers[in_record_ / heads.size()],
             heads[in_record_ % heads.size()], rows);
      batch.Add(RowBytes(rows.rows(rows.rows_size() - 1)));
    }
    if (in_record_ < layers.size() * heads.size()) break;
    in_record_ = 0;
    ++in_page_;
  }
  if (started_ && batch.Empty()) return std::nullopt;
  started_ = true;
  return rows;
}

}  // namespace ondelette::server
