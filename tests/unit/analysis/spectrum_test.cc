#include "worker/engine/analysis/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "worker/engine/analysis/signal_spectrum.h"
#include "worker/engine/analysis/tapers.h"

namespace ondelette::engine {
namespace {

// |DFT|^2 by its definition.
at::Tensor NaivePower(const at::Tensor& signal) {
  int64_t n = signal.size(0);
  at::Tensor power = at::empty({n / 2 + 1}, at::kDouble);
  for (int64_t k = 0; k <= n / 2; ++k) {
    at::Tensor angle = at::arange(0, n, at::kDouble) * (2 * std::numbers::pi * k / n);
    double real = (signal * angle.cos()).sum().item<double>();
    double imaginary = (signal * angle.sin()).sum().item<double>();
    power[k] = real * real + imaginary * imaginary;
  }
  return power;
}

TEST(Spectrum, IsTheDefinitionForAnyLength) {
  for (int64_t points : {4, 5, 101, 112, 128}) {
    at::Tensor signals = at::rand({3, points}, at::kDouble);
    at::Tensor power = MakeCpuSpectrum(points)->Power(signals);
    for (int64_t at = 0; at < 3; ++at) {
      EXPECT_TRUE(at::allclose(power[at], NaivePower(signals[at]), 1e-10, 1e-10)) << points;
    }
  }
}

TEST(SignalSpectrum, EvenExtensionIsThatOfTheWholeSignal) {
  Spec spec = *PresetSpec("relative-window");
  spec.window_tokens = 9;
  spec.one_sided = OneSided::kPlain;
  at::Tensor half = at::rand({9}, at::kDouble);
  at::Tensor whole = at::zeros({18}, at::kDouble);  // t = -9..8
  for (int64_t t = -8; t < 9; ++t) {
    whole[t + 9] = half[std::abs(t)] * (0.5 + 0.5 * std::cos(std::numbers::pi * t / 9));
  }
  at::Tensor power = SignalSpectrum(spec, at::kCPU).Power(half.view({1, 1, 9}));
  EXPECT_TRUE(at::allclose(power.flatten(), NaivePower(whole), 1e-10, 1e-12));
}

TEST(SignalSpectrum, BandsHoldTheirUpperEdge) {
  Spec spec = *PresetSpec("paper-table5");  // 112 points, bins 0..56: edges at 14 and 42
  EXPECT_EQ(SignalSpectrum(spec, at::kCPU).band_bins(), (std::array<int64_t, 3>{15, 28, 14}));
  spec.dc = Dc::kDropped;
  EXPECT_EQ(SignalSpectrum(spec, at::kCPU).band_bins(), (std::array<int64_t, 3>{14, 28, 14}));
}

TEST(SignalSpectrum, DoublesEveryBinButDcAndNyquist) {
  Spec spec = *PresetSpec("paper-table5");
  spec.detrend = Detrend::kNone;
  for (int tokens : {6, 7}) {
    spec.tokens = tokens;
    at::Tensor signals = at::rand({1, 1, tokens}, at::kDouble);
    spec.one_sided = OneSided::kPlain;
    at::Tensor plain = SignalSpectrum(spec, at::kCPU).Power(signals);
    spec.one_sided = OneSided::kDoubled;
    at::Tensor ratio = (SignalSpectrum(spec, at::kCPU).Power(signals) / plain).flatten();
    EXPECT_TRUE(at::allclose(ratio, at::tensor({1., 2., 2., tokens == 6 ? 1. : 2.}, at::kDouble)));
  }
}

TEST(TaperWeights, OfOneSample) {
  EXPECT_EQ(TaperWeights(Taper::kHannPeriodic, 1)[0].item<double>(), 0);
  EXPECT_EQ(TaperWeights(Taper::kHannSymmetric, 1)[0].item<double>(), 0);
  EXPECT_EQ(TaperWeights(Taper::kHannCentred, 1)[0].item<double>(), 1);
  EXPECT_EQ(TaperWeights(Taper::kNone, 1)[0].item<double>(), 1);
}

}  // namespace
}  // namespace ondelette::engine
