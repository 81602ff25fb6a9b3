// The aggregates of checkpoints whose jobs have not all succeeded: computed when they are asked
// for, and kept in memory for who asks next.
#ifndef ONDELETTE_SERVER_AGGREGATE_PARTIAL_AGGREGATES_H_
#define ONDELETTE_SERVER_AGGREGATE_PARTIAL_AGGREGATES_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/spec/spec.h"
#include "server/aggregate/head_figures.h"
#include "server/aggregate/summary.h"
#include "server/store/store.h"

namespace ondelette::server {

// Figures of heads, and what follows from them when it is first asked for. Thread-safe.
class Figures {
 public:
  Figures(HeadFigures heads, const Spec& spec) : heads_(std::move(heads)), spec_(spec) {}

  const HeadFigures& heads() const { return heads_; }
  const Summary& summary() const {
    std::call_once(summarised_, [this] { summary_ = Summarise(heads_, spec_); });
    return summary_;
  }
  int64_t bytes() const {
    return static_cast<int64_t>(heads_.statistics.size() * sizeof(Statistics));
  }

 private:
  const HeadFigures heads_;
  const Spec spec_;
  mutable std::once_flag summarised_;
  mutable Summary summary_{};
};

// Thread-safe. Jobs that have succeeded stay so, so that figures are good until another has. While
// jobs commit all the time, figures that took long are good for ten times as long as they took: all
// queries together then cost a tenth of a core, however many there are. Two that ask at once for
// the same checkpoint wait for one computation.
class PartialAggregates {
 public:
  // Of which the least recently used are forgotten beyond so many bytes.
  static constexpr int64_t kMostBytes = 128 << 20;
  // Figures that took less are computed anew whenever a job has succeeded.
  static constexpr absl::Duration kLong = absl::Milliseconds(50);

  // Of an incomplete, computed checkpoint with layers and heads known, under its sweep's spec. The
  // errors of ComputeHeadFigures.
  absl::StatusOr<std::shared_ptr<const Figures>> Of(Store& store,
                                                    const StoredCheckpoint& checkpoint,
                                                    const Spec& spec);

 private:
  struct Entry {
    std::mutex mutex;  // held while they are computed; guards what follows
    std::shared_ptr<const Figures> figures;
    int64_t succeeded = 0;  // jobs, when they were computed
    absl::Time computed;
    absl::Duration took;
  };
  struct Slot {
    std::shared_ptr<Entry> entry;
    int64_t bytes = 0;
    std::list<int64_t>::iterator used;
  };

  std::shared_ptr<Entry> Use(int64_t checkpoint);
  void Account(int64_t checkpoint, int64_t bytes);

  std::mutex mutex_;               // guards what follows
  std::map<int64_t, Slot> slots_;  // by checkpoint
  std::list<int64_t> used_;        // checkpoints, the last used first
  int64_t bytes_ = 0;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_PARTIAL_AGGREGATES_H_
