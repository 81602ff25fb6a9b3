#include "client/commands/aggregate_block.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::client {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are little-endian");

// results.proto, AggregateBlock.statistics.
struct PackedStatistics {
  uint32_t count, undefined;
  double mean, standard_deviation, minimum, first_quartile, median, third_quartile, maximum;
};
static_assert(sizeof(PackedStatistics) == 64);

void Unpack(const char* bytes, v1::Statistics& out) {
  PackedStatistics packed;
  std::memcpy(&packed, bytes, sizeof(packed));
  out.set_count(packed.count);
  out.set_undefined(packed.undefined);
  out.set_mean(packed.mean);
  out.set_standard_deviation(packed.standard_deviation);
  out.set_minimum(packed.minimum);
  out.set_first_quartile(packed.first_quartile);
  out.set_median(packed.median);
  out.set_third_quartile(packed.third_quartile);
  out.set_maximum(packed.maximum);
}

}  // namespace

absl::Status ForEachRow(const v1::AggregateBlock& block,
                        absl::FunctionRef<void(const v1::AggregateRow& row)> take) {
  const size_t rows = static_cast<size_t>(block.heads_size()) * block.metrics_size();
  if (block.statistics().size() != rows * sizeof(PackedStatistics)) {
    return MakeError(
        absl::StatusCode::kDataLoss, "BLOCK_INVALID",
        absl::StrCat("a block of ", rows, " rows of layer ", block.layer(), " of ", block.model(),
                     " ", block.revision(), " has ", block.statistics().size(), " bytes"),
        "use a coordinator and a client of the same version");
  }
  v1::AggregateRow row;
  row.set_model(block.model());
  row.set_revision(block.revision());
  row.set_layer(block.layer());
  row.set_alias_of(block.alias_of());
  row.set_complete(block.complete());
  const char* bytes = block.statistics().data();
  for (const int32_t head : block.heads()) {
    row.set_head(head);
    for (const std::string& metric : block.metrics()) {
      row.set_metric(metric);
      Unpack(bytes, *row.mutable_statistics());
      take(row);
      bytes += sizeof(PackedStatistics);
    }
  }
  return absl::OkStatus();
}

}  // namespace ondelette::client
