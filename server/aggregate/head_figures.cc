#include "server/aggregate/head_figures.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/spec/columns.h"
#include "server/aggregate/correlation.h"
#include "server/aggregate/measured_sequences.h"
#include "server/aggregate/rho_columns.h"

namespace ondelette::server {
namespace {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

// Records of a run of heads (counted through all layers) as they are wanted: a column's values side
// by side.
class HeldRecords {
 public:
  HeldRecords(size_t first_head, size_t heads, size_t columns, size_t non_finite_column,
              size_t sequences)
      : first_head_(first_head),
        heads_(heads),
        columns_(columns),
        non_finite_column_(non_finite_column),
        sequences_(sequences),
        values_(heads * columns * sequences),
        record_(columns) {}

  // The next sequence.
  void Add(const SequenceRecords& records) {
    const size_t record_bytes = columns_ * sizeof(float);
    for (size_t head = 0; head < heads_; ++head) {
      std::memcpy(record_.data(), records.data.data() + (first_head_ + head) * record_bytes,
                  record_bytes);
      const bool broken = !(record_[non_finite_column_] <= 0);
      for (size_t column = 0; column < columns_; ++column) {
        const bool left_out = broken && column != non_finite_column_;
        values_[(head * columns_ + column) * sequences_ + added_] =
            left_out ? std::numeric_limits<float>::quiet_NaN() : record_[column];
      }
    }
    ++added_;
  }

  absl::Span<const float> Column(size_t head, size_t column) const {
    return absl::MakeConstSpan(values_).subspan((head * columns_ + column) * sequences_,
                                                sequences_);
  }

 private:
  const size_t first_head_;
  const size_t heads_;
  const size_t columns_;
  const size_t non_finite_column_;
  const size_t sequences_;
  std::vector<float> values_;  // [heads, columns, sequences]
  std::vector<float> record_;
  size_t added_ = 0;
};

double RhoOverSequences(const HeldRecords& held, size_t head, const RhoColumns& columns) {
  const auto positional = held.Column(head, static_cast<size_t>(columns.positional_entropy));
  const auto spectral = held.Column(head, static_cast<size_t>(columns.spectral_entropy));
  Pairs pairs;
  for (size_t i = 0; i < positional.size(); ++i) pairs.Add(positional[i], spectral[i]);
  return Pearson(pairs);
}

void AddFigures(const HeldRecords& held, size_t first_head, size_t heads,
                const std::vector<RhoColumns>& rho, HeadFigures& figures) {
  const auto columns = static_cast<size_t>(figures.columns);
  const size_t all_heads = figures.statistics.size() / columns;
  std::vector<double> values;
  for (size_t head = 0; head < heads; ++head) {
    for (size_t column = 0; column < columns; ++column) {
      const auto floats = held.Column(head, column);
      values.assign(floats.begin(), floats.end());
      figures.statistics[(first_head + head) * columns + column] = StatisticsOf(values);
    }
    for (size_t i = 0; i < rho.size(); ++i)
      figures.rho_sequences[i * all_heads + first_head + head] =
          RhoOverSequences(held, head, rho[i]);
  }
}

size_t NonFiniteColumn(const std::vector<Column>& columns) {
  auto is = [](const Column& column) { return column.metric == kNonFiniteRows; };
  return static_cast<size_t>(std::find_if(columns.begin(), columns.end(), is) - columns.begin());
}

}  // namespace

absl::StatusOr<HeadFigures> ComputeHeadFigures(Store& store, const StoredCheckpoint& checkpoint,
                                               const Spec& spec, int64_t held_bytes) {
  auto measured = MeasuredSequences::Of(store, checkpoint.id);
  if (!measured.ok()) return measured.status();
  const std::vector<Column> columns = Columns(spec);
  const std::vector<RhoColumns> rho = RhoColumnsOf(spec);
  const size_t all_heads =
      static_cast<size_t>(checkpoint.layers) * static_cast<size_t>(checkpoint.heads);
  HeadFigures figures{checkpoint.layers,
                      checkpoint.heads,
                      static_cast<int>(columns.size()),
                      measured->count(),
                      {},
                      {}};
  figures.statistics.resize(all_heads * columns.size());
  figures.rho_sequences.resize(rho.size() * all_heads, kUndefined);

  const auto sequences = static_cast<size_t>(measured->count());
  const size_t head_bytes = std::max<size_t>(1, sequences * columns.size() * sizeof(float));
  const size_t at_once = std::max<size_t>(1, static_cast<size_t>(held_bytes) / head_bytes);
  for (size_t first = 0; first < all_heads; first += at_once) {
    const size_t heads = std::min(at_once, all_heads - first);
    HeldRecords held(first, heads, columns.size(), NonFiniteColumn(columns), sequences);
    absl::Status status = measured->ForEach(store, checkpoint, figures.columns,
                                            [&](const SequenceRecords& r) { held.Add(r); });
    if (!status.ok()) return status;
    AddFigures(held, first, heads, rho, figures);
  }
  return figures;
}

}  // namespace ondelette::server
