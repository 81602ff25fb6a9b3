// Aggregates of layers and of the whole checkpoint: the second half of aggregation, from the heads'
// figures alone.
#ifndef ONDELETTE_SERVER_AGGREGATE_SUMMARY_H_
#define ONDELETTE_SERVER_AGGREGATE_SUMMARY_H_

#include <vector>

#include "common/spec/spec.h"
#include "server/aggregate/head_figures.h"
#include "server/aggregate/statistics.h"

namespace ondelette::server {

// rho (equations 8 and 9) and what it would be anyway.
struct Correlation {
  double rho = kUndefined;               // over heads, of their means over sequences
  double rho_key_shuffled = kUndefined;  // the same heads, keys of every row shuffled
  double interval_low = kUndefined;      // of rho: bootstrap over heads, 95 %
  double interval_high = kUndefined;
  double rho_sequences = kUndefined;  // over sequences, per head, mean over heads
};

struct Summary {
  int layers = 0;
  int columns = 0;
  std::vector<Statistics> model;  // [columns], over all heads' means
  std::vector<Statistics> layer;  // [layers, columns], over a layer's heads' means
  // [treatments of the sink as RhoColumnsOf lists them, 1 + layers]. The first of each row is the
  // mean over those layers where the figure is defined; its interval resamples the heads of every
  // layer within the layer.
  std::vector<Correlation> correlations;
};

// `spec` is the one that `figures` were computed under. Heads without a mean are left out.
Summary Summarise(const HeadFigures& figures, const Spec& spec);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_SUMMARY_H_
