// The metric catalogue of proto/ondelette/v1/metrics.proto, as a list and by column label.
// Thread-safe.
#ifndef ONDELETTE_COMMON_CATALOGUE_CATALOGUE_H_
#define ONDELETTE_COMMON_CATALOGUE_CATALOGUE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ondelette/v1/metrics.pb.h"

namespace ondelette {

// Every metric, in the catalogue's order.
const std::vector<v1::MetricInfo>& MetricCatalogue();

// A column label in its parts: "scale_sensitivity_0.5", "wavelet_entropy[2]",
// "band_low_sink_dropped_key_shuffled".
struct ColumnParts {
  const v1::MetricInfo* metric = nullptr;
  std::string parameter;  // "0.5"
  std::string control;    // "_sink_dropped_key_shuffled"
  int element = -1;       // 2
};

// Takes a label apart; metric is null where it names nothing of the catalogue.
ColumnParts ParseColumn(absl::string_view label);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_CATALOGUE_CATALOGUE_H_
