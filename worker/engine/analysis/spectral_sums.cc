#include "worker/engine/analysis/spectral_sums.h"

#include <array>
#include <cmath>
#include <vector>

#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/entropy.h"

namespace ondelette::engine {
namespace {

// In the order in which FiguresOf makes them.
constexpr std::array<const char*, 7> kNames = {"spectral_entropy",  "frequency_selectivity",
                                               "band_low",          "peak_share",
                                               "spectral_flatness", "band_mid",
                                               "band_high"};

// Figures of every signal, each [heads, signals], from p [heads, signals, bins].
std::vector<at::Tensor> FiguresOf(const at::Tensor& p, const std::array<int64_t, 3>& band_bins,
                                  SpectralSums::Scope scope) {
  at::Tensor log = SafeLog(p);
  at::Tensor flatness;
  if (scope == SpectralSums::Scope::kAll) {
    // The arithmetic mean of p is 1 / bins.
    flatness = log.clamp_min(std::log(kFlatnessFloor)).mean(-1).exp_().mul_(p.size(-1));
  }
  at::Tensor entropy = log.mul_(p).sum(-1).neg_();
  at::Tensor peak = p.amax(-1);
  at::Tensor selectivity = peak / (1 - peak + kGuard);
  auto band = [&](int which) {
    int64_t begin = 0;
    for (int at = 0; at < which; ++at) begin += band_bins[at];
    return p.narrow(-1, begin, band_bins[which]).sum(-1);
  };
  if (scope == SpectralSums::Scope::kControlled) return {entropy, selectivity, band(0)};
  return {entropy, selectivity, band(0), peak, flatness, band(1), band(2)};
}

}  // namespace

void SpectralSums::Add(const SignalTile& tile) {
  at::Tensor power = spectrum_.Power(tile.values);
  at::Tensor total = power.sum(-1);
  at::Tensor flat = total <= tile.values.square().sum(-1).mul_(kFlatShare);
  at::Tensor p = power.div_(total.masked_fill(flat, 1.0).unsqueeze(-1));
  at::Tensor counted = tile.filled & ~flat;
  AddTo(sums_, SumWhere(counted, at::stack(FiguresOf(p, spectrum_.band_bins(), scope_), 0)));
  AddTo(counted_, counted.sum(-1, /*keepdim=*/false, at::kDouble));
  AddTo(positional_, SumWhere(tile.filled, Entropy(tile.values)));
  AddTo(filled_, tile.filled.sum(-1, /*keepdim=*/false, at::kDouble));
}

void SpectralSums::Finish(const std::string& suffix, int64_t total, Figures& figures) const {
  if (!sums_.defined()) return;
  at::Tensor means = sums_ / counted_;  // 0 / 0 is NaN: no counted signal, no figure
  for (int64_t at = 0; at < means.size(0); ++at) figures[kNames[at] + suffix] = means[at];
  figures["positional_entropy" + suffix] = positional_ / filled_;
  if (scope_ == Scope::kControlled) return;
  figures["spectral_entropy_normalised"] =
      means[0] / std::log(static_cast<double>(spectrum_.bins()));
  figures[kCoverage] = counted_ / static_cast<double>(total);
}

}  // namespace ondelette::engine
