#include "common/catalogue/catalogue.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/spec/columns.h"

namespace ondelette {
namespace {

std::vector<v1::MetricInfo> ReadCatalogue() {
  std::vector<v1::MetricInfo> metrics;
  const google::protobuf::EnumDescriptor* descriptor = v1::Metric_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) {
    const auto& options = descriptor->value(i)->options();
    if (options.HasExtension(v1::metric)) metrics.push_back(options.GetExtension(v1::metric));
  }
  return metrics;
}

// Takes "[2]" off the end. False where brackets are malformed.
bool TakeElement(absl::string_view& label, int& element) {
  size_t open = label.find('[');
  if (open == absl::string_view::npos) return true;
  absl::string_view inside = label.substr(open + 1);
  if (!absl::ConsumeSuffix(&inside, "]") || !absl::SimpleAtoi(inside, &element) || element < 0)
    return false;
  label = label.substr(0, open);
  return true;
}

std::string TakeControl(absl::string_view& label) {
  std::string control;
  for (const char* suffix : {kKeyShuffledSuffix, kSinkDroppedSuffix}) {
    if (absl::ConsumeSuffix(&label, suffix)) control.insert(0, suffix);
  }
  return control;
}

}  // namespace

const std::vector<v1::MetricInfo>& MetricCatalogue() {
  static const auto& catalogue = *new std::vector<v1::MetricInfo>(ReadCatalogue());
  return catalogue;
}

ColumnParts ParseColumn(absl::string_view label) {
  ColumnParts parts;
  if (!TakeElement(label, parts.element)) return {};
  parts.control = TakeControl(label);
  for (const v1::MetricInfo& metric : MetricCatalogue()) {
    absl::string_view rest = label;
    if (!absl::ConsumePrefix(&rest, metric.name())) continue;
    if (metric.parameter().empty() != rest.empty()) continue;
    if (!rest.empty() && (rest.size() < 2 || rest[0] != '_')) continue;
    if (!rest.empty() && (rest[1] < '0' || rest[1] > '9')) continue;
    if ((metric.shape() == v1::SHAPE_PER_LEVEL) != (parts.element >= 0)) continue;
    if (!parts.control.empty() && !metric.controlled()) continue;
    parts.metric = &metric;
    parts.parameter = std::string(rest.empty() ? rest : rest.substr(1));
    return parts;
  }
  return {};
}

}  // namespace ondelette
