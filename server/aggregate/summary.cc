#include "server/aggregate/summary.h"

#include "server/aggregate/correlation.h"
#include "server/aggregate/rho_columns.h"

namespace ondelette::server {
namespace {

double HeadMean(const HeadFigures& figures, int layer, int head, int column) {
  const auto index = (static_cast<size_t>(layer) * static_cast<size_t>(figures.heads) +
                      static_cast<size_t>(head)) *
                         static_cast<size_t>(figures.columns) +
                     static_cast<size_t>(column);
  return figures.statistics[index].mean;
}

// The heads' means of one column in the layers from `first` to before `end`.
std::vector<double> HeadMeans(const HeadFigures& figures, int first, int end, int column) {
  std::vector<double> means;
  for (int layer = first; layer < end; ++layer) {
    for (int head = 0; head < figures.heads; ++head)
      means.push_back(HeadMean(figures, layer, head, column));
  }
  return means;
}

// Of a spec without the null, whose column is -1, there are none.
Pairs PairsOfHeads(const HeadFigures& figures, int layer, int positional, int spectral) {
  Pairs pairs;
  if (positional < 0 || spectral < 0) return pairs;
  for (int head = 0; head < figures.heads; ++head)
    pairs.Add(HeadMean(figures, layer, head, positional), HeadMean(figures, layer, head, spectral));
  return pairs;
}

// One treatment of the sink: [1 + layers] correlations.
std::vector<Correlation> Correlate(const HeadFigures& figures, size_t treatment,
                                   const RhoColumns& columns) {
  const auto heads = static_cast<size_t>(figures.heads);
  const auto layers = static_cast<size_t>(figures.layers);
  std::vector<Correlation> result(1 + layers);
  std::vector<std::vector<double>> resamples;  // [layers, kResamples]
  std::vector<double> rhos;
  std::vector<double> shuffled;
  std::vector<double> over_sequences;
  for (int layer = 0; layer < figures.layers; ++layer) {
    Correlation& row = result[1 + static_cast<size_t>(layer)];
    const Pairs pairs =
        PairsOfHeads(figures, layer, columns.positional_entropy, columns.spectral_entropy);
    row.rho = Pearson(pairs);
    row.rho_key_shuffled =
        Pearson(PairsOfHeads(figures, layer, columns.positional_entropy_key_shuffled,
                             columns.spectral_entropy_key_shuffled));
    resamples.push_back(ResampledPearson(pairs, static_cast<uint32_t>(layer)));
    const Interval interval = IntervalOf(resamples.back());
    row.interval_low = interval.low;
    row.interval_high = interval.high;
    row.rho_sequences =
        MeanOf(absl::MakeConstSpan(figures.rho_sequences)
                   .subspan((treatment * layers + static_cast<size_t>(layer)) * heads, heads));
    rhos.push_back(row.rho);
    shuffled.push_back(row.rho_key_shuffled);
    over_sequences.push_back(row.rho_sequences);
  }
  std::vector<double> model_resamples;
  model_resamples.reserve(kResamples);
  for (size_t resample = 0; resample < kResamples; ++resample) {
    std::vector<double> of_layers;
    of_layers.reserve(layers);
    for (const std::vector<double>& layer : resamples) of_layers.push_back(layer[resample]);
    model_resamples.push_back(MeanOf(of_layers));
  }
  const Interval interval = IntervalOf(std::move(model_resamples));
  result[0] = {MeanOf(rhos), MeanOf(shuffled), interval.low, interval.high, MeanOf(over_sequences)};
  return result;
}

}  // namespace

Summary Summarise(const HeadFigures& figures, const Spec& spec) {
  Summary summary{figures.layers, figures.columns, {}, {}, {}};
  for (int column = 0; column < figures.columns; ++column) {
    std::vector<double> means = HeadMeans(figures, 0, figures.layers, column);
    summary.model.push_back(StatisticsOf(means));
  }
  for (int layer = 0; layer < figures.layers; ++layer) {
    for (int column = 0; column < figures.columns; ++column) {
      std::vector<double> means = HeadMeans(figures, layer, layer + 1, column);
      summary.layer.push_back(StatisticsOf(means));
    }
  }
  const std::vector<RhoColumns> treatments = RhoColumnsOf(spec);
  for (size_t i = 0; i < treatments.size(); ++i) {
    const std::vector<Correlation> rows = Correlate(figures, i, treatments[i]);
    summary.correlations.insert(summary.correlations.end(), rows.begin(), rows.end());
  }
  return summary;
}

}  // namespace ondelette::server
