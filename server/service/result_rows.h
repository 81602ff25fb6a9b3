// The rows of an answer, batch by batch, as StreamReactor asks for them. Each class below is one
// answer: it reads from the store what the next batch needs when the batch is asked for, and blocks
// on the disk. Not thread-safe. Batches are never empty, but for the first of records, which names
// the columns.
#ifndef ONDELETTE_SERVER_SERVICE_RESULT_ROWS_H_
#define ONDELETTE_SERVER_SERVICE_RESULT_ROWS_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "ondelette/v1/results.pb.h"
#include "server/aggregate/aggregate_reader.h"
#include "server/service/result_selection.h"
#include "server/store/store.h"

namespace ondelette::server {

// When a batch goes out: full, or old, so that rows that are there do not wait for a checkpoint
// that has to be computed.
class Batch {
 public:
  void Add(size_t row_bytes) {
    ++rows_;
    bytes_ += row_bytes;
  }
  bool Full() const { return rows_ >= 1000 || bytes_ >= (512 << 10); }
  // Between pieces of work: Full() too, or 50 ms after its start.
  bool Ripe() const {
    return Full() || (rows_ > 0 && absl::Now() - start_ > absl::Milliseconds(50));
  }
  bool Empty() const { return rows_ == 0; }

 private:
  const absl::Time start_ = absl::Now();
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

// Where answers come from; both outlive them.
struct ResultSource {
  Store& store;
  PartialAggregates& partials;
};

// Ordered by checkpoint as listed, sequence, layer, head.
class RecordAnswer {
 public:
  static absl::StatusOr<RecordAnswer> Of(const ResultSource& source, const v1::RecordQuery& query);
  absl::StatusOr<std::optional<v1::RecordRows>> Next();

 private:
  RecordAnswer(Store& store, Selection selection, std::vector<int64_t> sequences);

  absl::Status ReadPage();
  void AddRow(const SelectedCheckpoint& checkpoint, const SequenceRecords& records, int layer,
              int head, v1::RecordRows& rows) const;
  // The first sequence from next_sequence_ on that the filter wants, if one is left; and of the run
  // of wanted ones that begins there, the bytes.
  std::optional<int64_t> NextWanted() const;
  int64_t BytesWanted(const StoredCheckpoint& checkpoint) const;

  Store* store_;
  Selection selection_;
  std::vector<int64_t> sequences_;  // ascending; empty: all
  bool started_ = false;
  size_t checkpoint_ = 0;
  int64_t next_sequence_ = 0;
  std::vector<SequenceRecords> page_;
  size_t in_page_ = 0;    // the record of page_ that the next row is from
  size_t in_record_ = 0;  // that row, of the record's selected layers and heads
};

// Ordered by checkpoint, layer, head, metric.
class AggregateAnswer {
 public:
  static absl::StatusOr<AggregateAnswer> Of(const ResultSource& source,
                                            const v1::AggregateQuery& query);
  absl::StatusOr<std::optional<v1::AggregateRows>> Next();

 private:
  AggregateAnswer(const ResultSource& source, Selection selection, v1::AggregateLevel level);

  // The next piece of statistics: a layer's heads, or a checkpoint's layers or model. False after
  // the last.
  absl::StatusOr<bool> Load();
  absl::Status LoadHeads();
  absl::Status LoadSummary();

  struct Row {
    int layer;
    int head;
    int column;
    Statistics statistics;
  };
  void AddRow(const Row& row, v1::AggregateRows& rows, Batch& batch) const;

  ResultSource source_;
  Selection selection_;
  v1::AggregateLevel level_;
  size_t checkpoint_ = 0;
  size_t layer_ = 0;                       // of the selected ones, at level HEAD
  std::optional<AggregateReader> reader_;  // of checkpoint_
  const SelectedCheckpoint* shown_ = nullptr;
  std::vector<Row> rows_;
  size_t next_row_ = 0;
};

// The same at level HEAD, a block a layer.
class BlockAnswer {
 public:
  static absl::StatusOr<BlockAnswer> Of(const ResultSource& source,
                                        const v1::AggregateQuery& query);
  absl::StatusOr<std::optional<v1::AggregateRows>> Next();

 private:
  BlockAnswer(const ResultSource& source, Selection selection)
      : source_(source), selection_(std::move(selection)) {}
  absl::Status AddBlock(const SelectedCheckpoint& shown, int layer, v1::AggregateRows& rows);

  ResultSource source_;
  Selection selection_;
  size_t checkpoint_ = 0;
  size_t layer_ = 0;  // of the selected ones
  bool started_ = false;
  std::optional<AggregateReader> reader_;  // of checkpoint_
};

// Ordered by checkpoint, layer (the mean over layers, -1, first), sink kept before sink dropped.
class CorrelationAnswer {
 public:
  static absl::StatusOr<CorrelationAnswer> Of(const ResultSource& source,
                                              const v1::CorrelationQuery& query);
  absl::StatusOr<std::optional<v1::CorrelationRows>> Next();

 private:
  CorrelationAnswer(const ResultSource& source, Selection selection, bool with_mean,
                    bool with_layers);

  ResultSource source_;
  Selection selection_;
  bool with_mean_;    // over layers
  bool with_layers_;  // those of selection_
  size_t checkpoint_ = 0;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_RESULT_ROWS_H_
