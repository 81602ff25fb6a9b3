#include "server/aggregate/correlation.h"

#include <algorithm>
#include <cmath>

#include "server/aggregate/compensated_sum.h"
#include "server/aggregate/statistics.h"

namespace ondelette::server {
namespace {

constexpr uint64_t kSeed = 0x6f6e64656c657474;  // "ondelett"
constexpr double kLeastVariation = 1e-13;       // of the mean: below lies the rounding of means

// SplitMix64 (Steele, Lea and Flood 2014) of a counter: random access into one fixed series.
uint64_t RandomBits(uint64_t counter) {
  uint64_t bits = kSeed + (counter + 1) * 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// A number below `count`, which is below 2^32.
size_t RandomIndex(uint64_t counter, size_t count) {
  return static_cast<size_t>(((RandomBits(counter) >> 32) * count) >> 32);
}

}  // namespace

void Pairs::Add(double first, double second) {
  if (!std::isfinite(first) || !std::isfinite(second)) return;
  x.push_back(first);
  y.push_back(second);
}

double Pearson(const Pairs& pairs) {
  if (pairs.x.size() < 3) return kUndefined;
  const double mean_x = MeanOf(pairs.x);
  const double mean_y = MeanOf(pairs.y);
  CompensatedSum xx;
  CompensatedSum yy;
  CompensatedSum xy;
  for (size_t i = 0; i < pairs.x.size(); ++i) {
    const double x = pairs.x[i] - mean_x;
    const double y = pairs.y[i] - mean_y;
    xx.Add(x * x);
    yy.Add(y * y);
    xy.Add(x * y);
  }
  const double norm_x = std::sqrt(xx.Total());
  const double norm_y = std::sqrt(yy.Total());
  if (norm_x <= kLeastVariation * std::abs(mean_x) || norm_x == 0) return kUndefined;
  if (norm_y <= kLeastVariation * std::abs(mean_y) || norm_y == 0) return kUndefined;
  return std::clamp(xy.Total() / norm_x / norm_y, -1.0, 1.0);
}

std::vector<double> ResampledPearson(const Pairs& pairs, uint32_t stream) {
  const size_t count = pairs.x.size();
  std::vector<double> resamples(kResamples, kUndefined);
  if (count < 3) return resamples;
  Pairs drawn{std::vector<double>(count), std::vector<double>(count)};
  for (uint64_t resample = 0; resample < kResamples; ++resample) {
    const uint64_t first = (uint64_t{stream} * kResamples + resample) << 32;
    for (size_t i = 0; i < count; ++i) {
      const size_t index = RandomIndex(first + i, count);
      drawn.x[i] = pairs.x[index];
      drawn.y[i] = pairs.y[index];
    }
    resamples[resample] = Pearson(drawn);
  }
  return resamples;
}

Interval IntervalOf(std::vector<double> resamples) {
  const size_t all = resamples.size();
  resamples.erase(std::remove_if(resamples.begin(), resamples.end(),
                                 [](double value) { return !std::isfinite(value); }),
                  resamples.end());
  if (resamples.empty() || 2 * resamples.size() < all) return {kUndefined, kUndefined};
  std::sort(resamples.begin(), resamples.end());
  return {Quantile(resamples, 0.025), Quantile(resamples, 0.975)};
}

}  // namespace ondelette::server
