// How aggregates lie in the store: one blob for layers and model, and one for the heads of each
// layer, so that a query reads what it answers with and not every head of every layer.
//
// A blob is little-endian: 8 x uint32 (magic "ODAG", version 1, part: 0 summary or 1 + layer,
// layers, heads, columns, treatments of the sink, 0), then its statistics, 64 bytes each (uint32
// count, uint32 undefined, float64 mean, standard deviation, minimum, first quartile, median, third
// quartile, maximum), then its correlations, 40 bytes each (float64 rho, rho_key_shuffled,
// interval_low, interval_high, rho_sequences).
//   summary: statistics [1 + layers, columns], the model's first; correlations [treatments, 1 +
//   layers] layer:   statistics [heads, columns]; no correlations
// Undefined figures are the one quiet NaN 0x7ff8000000000000, so that equal aggregates are equal
// bytes.
#ifndef ONDELETTE_SERVER_AGGREGATE_AGGREGATE_BLOB_H_
#define ONDELETTE_SERVER_AGGREGATE_AGGREGATE_BLOB_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/aggregate/head_figures.h"
#include "server/aggregate/summary.h"
#include "server/store/rows.h"

namespace ondelette::server {

// The shape that a blob must have to be of use.
struct AggregateShape {
  int layers = 0;
  int heads = 0;
  int columns = 0;
  int treatments = 0;  // of the sink
};

// Where the parts of a checkpoint's aggregates are kept: the summary under the key itself, layers
// beside it.
AggregateKey LayerKey(AggregateKey key, int layer);

std::string EncodeSummary(const Summary& summary, const AggregateShape& shape);
std::string EncodeLayer(const HeadFigures& figures, int layer, const AggregateShape& shape);

// Nothing where the blob is another version's, another shape's or damaged: aggregates are computed
// anew then.
std::optional<Summary> DecodeSummary(absl::string_view blob, const AggregateShape& shape);
// A layer's statistics as they lie in the blob: [heads, columns, kStatisticsBytes].
inline constexpr size_t kStatisticsBytes = 64;
std::optional<absl::string_view> LayerBody(absl::string_view blob, int layer,
                                           const AggregateShape& shape);
// [heads, columns].
std::optional<std::vector<Statistics>> DecodeLayer(absl::string_view blob, int layer,
                                                   const AggregateShape& shape);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_AGGREGATE_BLOB_H_
