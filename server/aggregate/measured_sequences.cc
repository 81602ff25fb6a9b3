#include "server/aggregate/measured_sequences.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

constexpr int64_t kPageBytes = 4 << 20;

absl::Status Damaged(const StoredCheckpoint& checkpoint, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "RECORDS_DAMAGED",
                   absl::StrCat("records of ", checkpoint.model, "@", checkpoint.revision,
                                " in the store: ", what),
                   "check the disk that the store is on, and restore the store from a copy");
}

}  // namespace

absl::Status CheckRecords(const SequenceRecords& records, const StoredCheckpoint& checkpoint,
                          int columns) {
  const size_t bytes = sizeof(float) * static_cast<size_t>(checkpoint.layers) *
                       static_cast<size_t>(checkpoint.heads) * static_cast<size_t>(columns);
  if (records.layers == checkpoint.layers && records.heads == checkpoint.heads &&
      records.columns == columns && records.data.size() == bytes) {
    return absl::OkStatus();
  }
  return Damaged(checkpoint,
                 absl::StrCat("sequence ", records.sequence, " has shape [", records.layers, ", ",
                              records.heads, ", ", records.columns, "] in ", records.data.size(),
                              " bytes, and should have [", checkpoint.layers, ", ",
                              checkpoint.heads, ", ", columns, "] in ", bytes));
}

absl::StatusOr<MeasuredSequences> MeasuredSequences::Of(Store& store, int64_t checkpoint_id) {
  auto jobs = store.Provenance(checkpoint_id);
  if (!jobs.ok()) return jobs.status();
  MeasuredSequences result;
  for (const JobProvenance& job : *jobs) {
    result.ranges_.push_back({job.first_sequence, job.first_sequence + job.sequences});
    result.count_ += job.measured;
  }
  return result;
}

bool MeasuredSequences::Contains(int64_t sequence) const {
  auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), sequence,
                       [](int64_t value, const Range& range) { return value < range.first; });
  return after != ranges_.begin() && sequence < std::prev(after)->end;
}

absl::Status MeasuredSequences::ForEach(
    Store& store, const StoredCheckpoint& checkpoint, int columns,
    const std::function<void(const SequenceRecords&)>& use) const {
  int64_t seen = 0;
  int64_t next = 0;
  while (seen < count_) {
    auto page = store.Records(checkpoint.id, next, kPageBytes);
    if (!page.ok()) return page.status();
    if (page->empty()) break;
    for (const SequenceRecords& records : *page) {
      if (records.sequence < next) return Damaged(checkpoint, "sequences out of order");
      next = records.sequence + 1;
      if (!Contains(records.sequence)) continue;
      if (absl::Status status = CheckRecords(records, checkpoint, columns); !status.ok())
        return status;
      if (++seen > count_) break;
      use(records);
    }
  }
  if (seen == count_) return absl::OkStatus();
  return Damaged(checkpoint,
                 absl::StrCat(count_, " sequences were committed, and ", seen, " are there"));
}

}  // namespace ondelette::server
