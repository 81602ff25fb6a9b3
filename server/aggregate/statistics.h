// The statistics of one list of figures: of a column over sequences, or of the heads' means over
// heads. Pure functions; the same values in the same order give the same bits.
#ifndef ONDELETTE_SERVER_AGGREGATE_STATISTICS_H_
#define ONDELETTE_SERVER_AGGREGATE_STATISTICS_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"

namespace ondelette::server {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct Statistics {
  int64_t count = 0;      // values that are numbers; all below are about these
  int64_t undefined = 0;  // NaN or infinite: left out
  double mean = kUndefined;
  double standard_deviation = kUndefined;  // divides by count - 1; undefined for one value
  double minimum = kUndefined;
  double first_quartile = kUndefined;
  double median = kUndefined;
  double third_quartile = kUndefined;
  double maximum = kUndefined;
};

// Takes `values` as its scratch space: what it holds afterwards is of no use.
Statistics StatisticsOf(std::vector<double>& values);

// The mean of the finite values; undefined where there is none.
double MeanOf(absl::Span<const double> values);

// The quantile of ascending values, by linear interpolation between order statistics (Hyndman and
// Fan's type 7, NumPy's default). 0 <= share <= 1; undefined for no values.
double Quantile(absl::Span<const double> ascending, double share);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_STATISTICS_H_
