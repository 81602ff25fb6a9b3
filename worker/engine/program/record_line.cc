#include "worker/engine/program/record_line.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace ondelette::engine {
namespace {

std::string NumberText(float value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

}  // namespace

std::string RecordLine(const std::vector<Column>& columns, const std::string& sequence,
                       int64_t layer, int64_t head, std::span<const float> values) {
  std::string metrics, non_finite;
  for (size_t at = 0; at < columns.size(); ++at) {
    const Column& column = columns[at];
    const std::string number = NumberText(values[at]);
    if (column.metric == kNonFiniteRows) {
      if (values[at] > 0) non_finite = absl::StrCat("\"", kNonFiniteRows, "\": ", number, ", ");
      continue;
    }
    if (column.element > 0) {
      absl::StrAppend(&metrics, ", ", number);
    } else {
      absl::StrAppend(&metrics, metrics.empty() ? "" : ", ", "\"", column.metric,
                      column.element < 0 ? "\": " : "\": [", number);
    }
    const bool list_ends = at + 1 == columns.size() || columns[at + 1].element <= 0;
    if (column.element >= 0 && list_ends) metrics += "]";
  }
  return absl::StrCat("{\"sequence\": ", nlohmann::json(sequence).dump(), ", \"layer\": ", layer,
                      ", \"head\": ", head, ", ", non_finite, "\"metrics\": {", metrics, "}}\n");
}

}  // namespace ondelette::engine
