// The columns of a record: which figures a spec makes, in which order. Engine, coordinator and CLI
// derive the same list from the spec, so that a block of records is only numbers.
#ifndef ONDELETTE_COMMON_SPEC_COLUMNS_H_
#define ONDELETTE_COMMON_SPEC_COLUMNS_H_

#include <string>
#include <vector>

#include "common/spec/spec.h"

namespace ondelette {

struct Column {
  std::string
      metric;  // with its number: "spectral_entropy", "scale_sensitivity_0.5", "wavelet_entropy"
  int element = -1;  // index in the list, for metrics that are lists (levels cA_L, cD_L, ..., cD_1)

  // "spectral_entropy" or "wavelet_entropy[2]".
  std::string Label() const;
};

// Figures that say how much of a head could be measured; they are numbers even where every other is
// undefined.
inline constexpr const char* kCoverage = "coverage";
// How many query rows of the head held NaN or Inf; where it is not 0, every other figure of the
// record is undefined.
inline constexpr const char* kNonFiniteRows = "non_finite_rows";

// Suffixes of the controls computed beside each head when spec.nulls holds key-shuffled: the same
// head with its keys permuted, and (unless the signal is relative, or the sink is dropped already)
// with the sink dropped, and both. They exist for the metrics of kControlledMetrics.
inline constexpr const char* kKeyShuffledSuffix = "_key_shuffled";
inline constexpr const char* kSinkDroppedSuffix = "_sink_dropped";
inline constexpr const char* kControlledMetrics[] = {"spectral_entropy", "frequency_selectivity",
                                                     "band_low", "positional_entropy"};
// The control suffixes of a spec in column order: {"_key_shuffled"[, "_sink_dropped",
// "_sink_dropped_key_shuffled"]}.
std::vector<std::string> ControlSuffixes(const Spec& spec);

// Every column of a record under this spec, in order.
std::vector<Column> Columns(const Spec& spec);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_SPEC_COLUMNS_H_
