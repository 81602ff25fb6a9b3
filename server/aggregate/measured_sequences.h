// The sequences whose records a computation reads: fixed once, so that every pass over the store
// sees the same ones while jobs go on committing.
#ifndef ONDELETTE_SERVER_AGGREGATE_MEASURED_SEQUENCES_H_
#define ONDELETTE_SERVER_AGGREGATE_MEASURED_SEQUENCES_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace ondelette::server {

// Const access is thread-safe.
class MeasuredSequences {
 public:
  // Those of the jobs of the checkpoint that have succeeded by now.
  static absl::StatusOr<MeasuredSequences> Of(Store& store, int64_t checkpoint_id);

  int64_t count() const { return count_; }

  // Calls `use` with the records of each, ascending, after checking that they have the shape
  // [layers, heads, columns] of floats. Holds one page of some MB. DATA_LOSS RECORDS_DAMAGED.
  absl::Status ForEach(Store& store, const StoredCheckpoint& checkpoint, int columns,
                       const std::function<void(const SequenceRecords&)>& use) const;

 private:
  struct Range {
    int64_t first;
    int64_t end;
  };

  bool Contains(int64_t sequence) const;

  std::vector<Range> ranges_;  // ascending, disjoint
  int64_t count_ = 0;
};

// DATA_LOSS RECORDS_DAMAGED unless the records are floats of shape [layers, heads, columns].
absl::Status CheckRecords(const SequenceRecords& records, const StoredCheckpoint& checkpoint,
                          int columns);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_MEASURED_SEQUENCES_H_
