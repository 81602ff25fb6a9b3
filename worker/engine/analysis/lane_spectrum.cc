#include "worker/engine/analysis/lane_spectrum.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/tapers.h"

namespace ondelette::engine {
namespace {

constexpr int64_t kLargestRadix = 600;

// What a figure's sum takes from one signal.
double Term(const SpectralFigures& figures, SpectralFigures::Figure figure, int64_t signal,
            int64_t bins) {
  const float value = figures.values[figure][signal];
  if (figure == SpectralFigures::kCounted || figure == SpectralFigures::kFilled) return value;
  const bool spectral = figure != SpectralFigures::kPositionalEntropy;
  if (figures.values[spectral ? SpectralFigures::kCounted : SpectralFigures::kFilled][signal] ==
      0) {
    return 0;
  }
  // The kernel gives the mean logarithm; the arithmetic mean of p is 1 / bins.
  if (figure == SpectralFigures::kFlatness) return std::exp(double{value}) * double(bins);
  return value;
}

at::Tensor SumByHead(const std::vector<SpectralFigures>& blocks, int64_t total, int64_t heads,
                     int64_t bins) {
  at::Tensor sums = at::zeros({SpectralFigures::kFigures, heads}, at::kDouble);
  const int64_t signals = total / heads;
  for (int figure = 0; figure < SpectralFigures::kFigures; ++figure) {
    double* out = sums.data_ptr<double>() + figure * heads;
    for (int64_t at = 0; at < total; ++at) {
      out[at / signals] +=
          Term(blocks[static_cast<size_t>(at / kBlockSignals)],
               static_cast<SpectralFigures::Figure>(figure), at % kBlockSignals, bins);
    }
  }
  return sums;
}

}  // namespace

bool LaneSpectrum::Serves(const Spec& spec, at::Device device) {
  return device.is_cpu() && (spec.signal == Signal::kRows || spec.signal == Signal::kRelative) &&
         spec.taper != Taper::kNone && LargestPrimeFactor(spec.FftPoints()) <= kLargestRadix;
}

LaneSpectrum::LaneSpectrum(const Spec& spec) : table_(spec.FftPoints()) {
  const SignalSpectrum reference(spec, at::kCPU);
  table_.centred = spec.taper == Taper::kHannCentred;
  table_.length = table_.centred ? spec.window_tokens : spec.SignalLength();
  table_.renormalised = spec.signal == Signal::kRelative || spec.sink == Sink::kDropped;
  table_.detrended = spec.detrend == Detrend::kConstant;
  table_.doubled = spec.one_sided == OneSided::kDoubled;
  table_.first_bin = spec.dc == Dc::kDropped ? 1 : 0;
  std::copy_n(reference.band_bins().begin(), 3, table_.band_bins);
  const at::Tensor weights = TaperWeights(spec.taper, table_.length).to(at::kFloat).contiguous();
  table_.weights.assign(weights.data_ptr<float>(), weights.data_ptr<float>() + weights.numel());
}

LaneSpectrum::HeadSums LaneSpectrum::Sums(const std::vector<SignalSource>& sources,
                                          int64_t heads) const {
  const auto total = static_cast<int64_t>(sources.size());
  const int64_t blocks = (total + kBlockSignals - 1) / kBlockSignals;
  std::vector<SpectralFigures> signals(static_cast<size_t>(blocks)), twins(signals.size());
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({SpectralScratch(table_)}, at::kFloat);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlockSignals;
      SpectralBlock(table_, &sources[static_cast<size_t>(first)],
                    std::min(kBlockSignals, total - first), scratch.data_ptr<float>(),
                    signals[static_cast<size_t>(block)], twins[static_cast<size_t>(block)]);
    }
  });
  const int64_t bins = table_.plan.length / 2 + 1 - table_.first_bin;
  HeadSums sums{SumByHead(signals, total, heads, bins), {}};
  if (sources[0].keys != nullptr) sums.twins = SumByHead(twins, total, heads, bins);
  return sums;
}

}  // namespace ondelette::engine
