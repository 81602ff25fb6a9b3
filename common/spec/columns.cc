#include "common/spec/columns.h"

#include "absl/strings/str_cat.h"

namespace ondelette {
namespace {

void AddScalars(std::initializer_list<const char*> names, std::vector<Column>& columns) {
  for (const char* name : names) columns.push_back({name, -1});
}

void AddList(const char* name, int count, std::vector<Column>& columns) {
  for (int element = 0; element < count; ++element) columns.push_back({name, element});
}

}  // namespace

std::string Column::Label() const {
  return element < 0 ? metric : absl::StrCat(metric, "[", element, "]");
}

std::vector<std::string> ControlSuffixes(const Spec& spec) {
  if (spec.nulls.empty()) return {};
  if (spec.signal == Signal::kRelative || spec.sink == Sink::kDropped) return {kKeyShuffledSuffix};
  return {kKeyShuffledSuffix, kSinkDroppedSuffix,
          absl::StrCat(kSinkDroppedSuffix, kKeyShuffledSuffix)};
}

std::vector<Column> Columns(const Spec& spec) {
  const bool relative = spec.signal == Signal::kRelative;
  std::vector<Column> columns;
  AddScalars(
      {"spectral_entropy", "spectral_entropy_normalised", "frequency_selectivity", "peak_share",
       "spectral_flatness", "band_low", "band_mid", "band_high", "positional_entropy"},
      columns);
  if (relative) AddScalars({"positional_entropy_normalised"}, columns);
  AddList("wavelet_entropy", spec.level + 1, columns);
  AddList("wavelet_energy", spec.level + 1, columns);
  for (double alpha : spec.alphas) {
    const char* base = relative ? "scale_distance_" : "scale_sensitivity_";
    columns.push_back({absl::StrCat(base, NumberInName(alpha)), -1});
  }
  if (!relative) {
    for (int size : spec.window_sizes)
      columns.push_back({absl::StrCat("window_entropy_", size), -1});
    AddScalars({"reconstruction_error"}, columns);
  }
  AddScalars({"sink_mass"}, columns);
  if (relative) AddScalars({"window_mass"}, columns);
  AddScalars({"local_mass_16", kCoverage, kNonFiniteRows}, columns);
  for (const std::string& suffix : ControlSuffixes(spec)) {
    for (const char* metric : kControlledMetrics)
      columns.push_back({absl::StrCat(metric, suffix), -1});
  }
  return columns;
}

}  // namespace ondelette
