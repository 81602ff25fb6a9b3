#include "server/aggregate/aggregate_blob.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace ondelette::server {
namespace {

static_assert(std::endian::native == std::endian::little, "blobs are little-endian");

constexpr uint32_t kMagic = 0x4741444f;  // "ODAG"
constexpr uint32_t kVersion = 1;
constexpr size_t kCorrelationBytes = 40;
constexpr uint64_t kNanBits = 0x7ff8000000000000;

template <typename Number>
void Append(Number number, std::string& out) {
  std::array<char, sizeof(Number)> bytes;
  std::memcpy(bytes.data(), &number, sizeof(Number));
  out.append(bytes.data(), bytes.size());
}

void AppendDouble(double number, std::string& out) {
  Append(std::isnan(number) ? kNanBits : std::bit_cast<uint64_t>(number), out);
}

template <typename Number>
Number Take(const char*& from) {
  Number number;
  std::memcpy(&number, from, sizeof(Number));
  from += sizeof(Number);
  return number;
}

std::string Header(uint32_t part, const AggregateShape& shape) {
  std::string header;
  for (uint32_t number : {kMagic, kVersion, part, static_cast<uint32_t>(shape.layers),
                          static_cast<uint32_t>(shape.heads), static_cast<uint32_t>(shape.columns),
                          static_cast<uint32_t>(shape.treatments), 0U}) {
    Append(number, header);
  }
  return header;
}

void AppendStatistics(const Statistics& s, std::string& out) {
  Append(static_cast<uint32_t>(s.count), out);
  Append(static_cast<uint32_t>(s.undefined), out);
  for (double figure : {s.mean, s.standard_deviation, s.minimum, s.first_quartile, s.median,
                        s.third_quartile, s.maximum}) {
    AppendDouble(figure, out);
  }
}

Statistics TakeStatistics(const char*& from) {
  Statistics s;
  s.count = Take<uint32_t>(from);
  s.undefined = Take<uint32_t>(from);
  for (double* figure : {&s.mean, &s.standard_deviation, &s.minimum, &s.first_quartile, &s.median,
                         &s.third_quartile, &s.maximum}) {
    *figure = Take<double>(from);
  }
  return s;
}

void AppendCorrelation(const Correlation& c, std::string& out) {
  for (double figure :
       {c.rho, c.rho_key_shuffled, c.interval_low, c.interval_high, c.rho_sequences}) {
    AppendDouble(figure, out);
  }
}

Correlation TakeCorrelation(const char*& from) {
  Correlation c;
  for (double* figure :
       {&c.rho, &c.rho_key_shuffled, &c.interval_low, &c.interval_high, &c.rho_sequences}) {
    *figure = Take<double>(from);
  }
  return c;
}

// What follows the header, or null where the blob is not what it should be.
const char* Body(absl::string_view blob, uint32_t part, const AggregateShape& shape,
                 size_t statistics, size_t correlations) {
  const std::string header = Header(part, shape);
  if (blob.size() !=
      header.size() + statistics * kStatisticsBytes + correlations * kCorrelationBytes) {
    return nullptr;
  }
  if (blob.substr(0, header.size()) != header) return nullptr;
  return blob.data() + header.size();
}

uint32_t LayerPart(int layer) { return 1 + static_cast<uint32_t>(layer); }

}  // namespace

AggregateKey LayerKey(AggregateKey key, int layer) {
  absl::StrAppend(&key.spec_digest, "/layer/", layer);
  return key;
}

std::string EncodeSummary(const Summary& summary, const AggregateShape& shape) {
  std::string blob = Header(0, shape);
  for (const Statistics& statistics : summary.model) AppendStatistics(statistics, blob);
  for (const Statistics& statistics : summary.layer) AppendStatistics(statistics, blob);
  for (const Correlation& correlation : summary.correlations) AppendCorrelation(correlation, blob);
  return blob;
}

std::string EncodeLayer(const HeadFigures& figures, int layer, const AggregateShape& shape) {
  std::string blob = Header(LayerPart(layer), shape);
  const size_t count = static_cast<size_t>(shape.heads) * static_cast<size_t>(shape.columns);
  for (size_t i = 0; i < count; ++i)
    AppendStatistics(figures.statistics[static_cast<size_t>(layer) * count + i], blob);
  return blob;
}

std::optional<Summary> DecodeSummary(absl::string_view blob, const AggregateShape& shape) {
  const auto layers = static_cast<size_t>(shape.layers);
  const auto columns = static_cast<size_t>(shape.columns);
  const size_t correlations = static_cast<size_t>(shape.treatments) * (1 + layers);
  const char* from = Body(blob, 0, shape, (1 + layers) * columns, correlations);
  if (from == nullptr) return std::nullopt;
  Summary summary{shape.layers, shape.columns, {}, {}, {}};
  for (size_t i = 0; i < columns; ++i) summary.model.push_back(TakeStatistics(from));
  for (size_t i = 0; i < layers * columns; ++i) summary.layer.push_back(TakeStatistics(from));
  for (size_t i = 0; i < correlations; ++i) summary.correlations.push_back(TakeCorrelation(from));
  return summary;
}

std::optional<absl::string_view> LayerBody(absl::string_view blob, int layer,
                                           const AggregateShape& shape) {
  const size_t count = static_cast<size_t>(shape.heads) * static_cast<size_t>(shape.columns);
  const char* body = Body(blob, LayerPart(layer), shape, count, 0);
  if (body == nullptr) return std::nullopt;
  return absl::string_view(body, count * kStatisticsBytes);
}

std::optional<std::vector<Statistics>> DecodeLayer(absl::string_view blob, int layer,
                                                   const AggregateShape& shape) {
  const auto body = LayerBody(blob, layer, shape);
  if (!body) return std::nullopt;
  const char* from = body->data();
  std::vector<Statistics> statistics(body->size() / kStatisticsBytes);
  for (Statistics& one : statistics) one = TakeStatistics(from);
  return statistics;
}

}  // namespace ondelette::server
