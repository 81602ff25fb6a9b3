#include "server/aggregate/statistics.h"

#include <algorithm>
#include <cmath>

#include "server/aggregate/compensated_sum.h"

namespace ondelette::server {
namespace {

// Of finite values around their mean. The second sum takes back what rounding the mean did to the
// first.
double StandardDeviation(absl::Span<const double> values, double mean) {
  if (values.size() < 2) return kUndefined;
  CompensatedSum squares;
  CompensatedSum residues;
  for (double value : values) {
    const double residue = value - mean;
    squares.Add(residue * residue);
    residues.Add(residue);
  }
  const auto count = static_cast<double>(values.size());
  const double total = squares.Total() - residues.Total() * residues.Total() / count;
  return std::sqrt(std::max(total, 0.0) / (count - 1));
}

}  // namespace

double MeanOf(absl::Span<const double> values) {
  CompensatedSum sum;
  int64_t count = 0;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    sum.Add(value);
    ++count;
  }
  return count == 0 ? kUndefined : sum.Total() / static_cast<double>(count);
}

double Quantile(absl::Span<const double> ascending, double share) {
  if (ascending.empty()) return kUndefined;
  const double position = static_cast<double>(ascending.size() - 1) * share;
  const auto below = static_cast<size_t>(position);
  if (below + 1 >= ascending.size()) return ascending.back();
  const double part = position - static_cast<double>(below);
  const double low = ascending[below];
  const double high = ascending[below + 1];
  // From the nearer end, so that part = 1 gives `high` exactly.
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

Statistics StatisticsOf(std::vector<double>& values) {
  Statistics result;
  const size_t all = values.size();
  values.erase(std::remove_if(values.begin(), values.end(),
                              [](double value) { return !std::isfinite(value); }),
               values.end());
  result.count = static_cast<int64_t>(values.size());
  result.undefined = static_cast<int64_t>(all - values.size());
  if (values.empty()) return result;
  result.mean = MeanOf(values);
  result.standard_deviation = StandardDeviation(values, result.mean);
  std::sort(values.begin(), values.end());
  result.minimum = values.front();
  result.first_quartile = Quantile(values, 0.25);
  result.median = Quantile(values, 0.5);
  result.third_quartile = Quantile(values, 0.75);
  result.maximum = values.back();
  return result;
}

}  // namespace ondelette::server
