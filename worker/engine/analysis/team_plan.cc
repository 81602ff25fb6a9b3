#include "worker/engine/analysis/team_plan.h"

#include <algorithm>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/shortened.h"
#include "worker/engine/analysis/spectral_table.h"
#include "worker/engine/torch/run_teams.h"

namespace ondelette::engine {
namespace {

at::Tensor OnDevice(const std::vector<float>& numbers, at::Device device) {
  return at::tensor(numbers, at::kFloat).to(device);
}

// The signals of a sequence of `tokens` tokens.
TeamTile MakeTile(const Spec& spec, bool causal, int64_t tokens) {
  TeamTile tile{};
  tile.tokens = static_cast<int>(tokens);
  tile.window = spec.signal == Signal::kRelative ? spec.window_tokens : 0;
  tile.causal = causal;
  return tile;
}

WaveletArguments MakeWavelets(const Spec& spec, bool causal, int64_t tokens,
                              const Wavelet& wavelet) {
  WaveletArguments arguments{};
  arguments.tile = MakeTile(spec, causal, tokens);
  arguments.dropped = spec.sink == Sink::kDropped;
  arguments.wavelet = MakeTeamWavelet(wavelet.table());
  arguments.within_scale = spec.wavelet_entropy == WaveletEntropy::kWithinScale;
  return arguments;
}

}  // namespace

bool TeamPlan::Serves(const Spec& spec, at::Device device) {
  if (!KernelsServe(spec)) return false;
  // Rows of the whole sequence need most.
  const bool relative = spec.signal == Signal::kRelative;
  const int64_t length = relative ? spec.window_tokens : spec.tokens;
  SpectraArguments spectra{};
  spectra.tile = MakeTile(spec, true, spec.tokens);
  for (Sink sink : SinksOf(spec)) {
    const size_t at = sink == Sink::kDropped ? 1 : 0;
    spectra.looked_at[at] = true;
    spectra.spectrum[at].fft.points = static_cast<int>(WithSink(spec, sink).FftPoints());
  }
  const Wavelet wavelet(length, spec.level, spec.boundary, at::kCPU);
  WaveletArguments wavelets{};
  wavelets.wavelet = MakeTeamWavelet(wavelet.table());
  return std::max(ShapeOf(spectra).bytes, ShapeOf(wavelets).bytes) <= TeamBytes(device);
}

TeamPlan::TeamPlan(const Spec& spec, at::Device device, bool causal, const Wavelet& wavelet,
                   const std::vector<Wavelet>& shortened)
    : spectra_{}, wavelets_(MakeWavelets(spec, causal, spec.tokens, wavelet)) {
  const bool relative = spec.signal == Signal::kRelative;
  spectra_.tile = wavelets_.tile;
  spectra_.local_width = kLocalWidth;
  wavelets_.reconstructed = !relative;
  for (Sink sink : SinksOf(spec)) {
    const size_t at = sink == Sink::kDropped ? 1 : 0;
    spectra_.looked_at[at] = true;
    spectra_.spectrum[at] = MakeSpectrum(WithSink(spec, sink), device);
  }
  for (size_t alpha = 0; alpha < spec.alphas.size(); ++alpha) {
    shortened_.push_back(MakeWavelets(spec, causal,
                                      ShortenedLength(spec.alphas[alpha], spec.tokens),
                                      relative ? wavelet : shortened[alpha]));
  }
}

TeamSpectrum TeamPlan::MakeSpectrum(const Spec& spec, at::Device device) {
  const SpectralTable table = MakeSpectralTable(spec);
  const at::Tensor fft = held_.emplace_back(OnDevice(FftNumbers(table.plan), device));
  const at::Tensor weights = held_.emplace_back(OnDevice(table.weights, device));
  TeamSpectrum spectrum{};
  spectrum.fft = MakeTeamFft(table.plan, fft.data_ptr<float>());
  spectrum.length = static_cast<int>(table.length);
  spectrum.weights = weights.data_ptr<float>();
  spectrum.centred = table.centred;
  spectrum.detrended = spec.detrend == Detrend::kConstant;
  spectrum.doubled = table.doubled;
  spectrum.first_bin = static_cast<int>(table.first_bin);
  std::copy_n(table.band_bins, 3, spectrum.band_bins);
  return spectrum;
}

}  // namespace ondelette::engine
