#include "worker/engine/analysis/signal_spectrum.h"

#include "worker/engine/analysis/tapers.h"

namespace ondelette::engine {
namespace {

std::unique_ptr<Spectrum> MakeSpectrum(int64_t points, [[maybe_unused]] at::Device device) {
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) return MakeCudaSpectrum(points, device);
#endif
  return MakeCpuSpectrum(points);
}

}  // namespace

SignalSpectrum::SignalSpectrum(const Spec& spec, at::Device device)
    : centred_(spec.taper == Taper::kHannCentred),
      detrended_(spec.detrend == Detrend::kConstant),
      doubled_(spec.one_sided == OneSided::kDoubled),
      points_(spec.FftPoints()),
      first_bin_(spec.dc == Dc::kDropped ? 1 : 0),
      bins_(points_ / 2 + 1 - first_bin_),
      band_bins_{},
      transform_(MakeSpectrum(points_, device)) {
  for (int64_t bin = first_bin_; bin <= points_ / 2; ++bin) {
    double frequency = 2.0 * static_cast<double>(bin) / static_cast<double>(points_);
    ++band_bins_[frequency <= spec.band_edges[0] ? 0 : frequency <= spec.band_edges[1] ? 1 : 2];
  }
  if (spec.taper != Taper::kNone) {
    int64_t length = centred_ ? spec.window_tokens : spec.SignalLength();
    weights_ = TaperWeights(spec.taper, length).to(device);
  }
}

at::Tensor SignalSpectrum::Padded(const at::Tensor& signals) const {
  at::Tensor tapered = signals;
  if (detrended_) tapered = tapered - tapered.mean(-1, /*keepdim=*/true);
  if (weights_.defined()) tapered = tapered * weights_;
  int64_t length = tapered.size(-1);
  if (centred_) {
    // The even extension laid around a circle: d = 0..T-1, zeros, d = T-1..1. Where it begins makes
    // no difference to |DFT|^2. At d = -T the taper is zero.
    at::Tensor mirrored = tapered.narrow(-1, 1, length - 1).flip(-1);
    return at::cat({at::constant_pad_nd(tapered, {0, points_ - 2 * length + 1}), mirrored}, -1);
  }
  return length == points_ ? tapered.contiguous()
                           : at::constant_pad_nd(tapered, {0, points_ - length});
}

at::Tensor SignalSpectrum::Power(const at::Tensor& signals) const {
  at::Tensor padded = Padded(signals);
  at::Tensor power =
      transform_->Power(padded.flatten(0, 1)).unflatten(0, signals.sizes().slice(0, 2));
  // An even length's last bin is Nyquist: with DC the only one that has no mirror image.
  if (doubled_) power.narrow(-1, 1, (points_ - 1) / 2).mul_(2);
  return power.narrow(-1, first_bin_, bins_);
}

}  // namespace ondelette::engine
