// Pearson's correlation and its bootstrap interval. Pure functions; the same values in the same
// order give the same bits.
#ifndef ONDELETTE_SERVER_AGGREGATE_CORRELATION_H_
#define ONDELETTE_SERVER_AGGREGATE_CORRELATION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ondelette::server {

inline constexpr int kResamples = 2000;

// Pairs of figures, both defined: the population of a correlation.
struct Pairs {
  std::vector<double> x;
  std::vector<double> y;

  // Leaves out a pair of which one is NaN or infinite.
  void Add(double first, double second);
};

// Undefined for fewer than three pairs, or where x or y does not vary by more than rounding (1e-13
// of its mean).
double Pearson(const Pairs& pairs);

// The correlations of kResamples bootstrap resamples of the pairs, drawn with replacement;
// undefined where a resample does not vary. `stream` names an independent series of draws (the
// layer). The draws are a hash of (a fixed seed, stream, resample, draw): they depend on nothing
// else.
std::vector<double> ResampledPearson(const Pairs& pairs, uint32_t stream);

struct Interval {
  double low;
  double high;
};

// The central 95 % of the resamples that are defined; undefined where fewer than half of them are.
Interval IntervalOf(std::vector<double> resamples);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_CORRELATION_H_
