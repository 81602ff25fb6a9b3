// The CPU's kernels against the same figures step by step in float64.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "worker/engine/analysis/lane_spectrum.h"
#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {

// The kernels behind SpectralBlock (lanes/spectral_dispatch.cc).
namespace lanes_base {
void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins);
}
#ifdef __x86_64__
namespace lanes_avx2 {
void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins);
}
namespace lanes_avx512 {
void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins);
}
#endif

namespace {

using Kernel = decltype(&lanes_base::SpectralBlock);

// Every kernel that this processor can run.
std::vector<Kernel> Kernels() {
  std::vector<Kernel> kernels{lanes_base::SpectralBlock};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(lanes_avx2::SpectralBlock);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    kernels.push_back(lanes_avx512::SpectralBlock);
  }
#endif
  return kernels;
}

// A table of undetrended signals; of bands, a third of the bins each.
SpectralTable Table(int64_t length, int64_t points, bool detrended) {
  SpectralTable table(points);
  table.length = length;
  table.detrended = detrended;
  table.doubled = true;
  for (int64_t t = 0; t < length; ++t) {
    table.weights.push_back(static_cast<float>(0.5 - 0.5 * std::cos(2 * M_PI * t / length)));
  }
  const int64_t bins = points / 2 + 1;
  table.band_bins[0] = bins / 3;
  table.band_bins[1] = bins / 3;
  table.band_bins[2] = bins - 2 * (bins / 3);
  return table;
}

// The same figures in float64, in the order of SpectralFigures, from kEntropy to
// kPositionalEntropy; flatness as the mean logarithm.
std::vector<double> Wanted(const SpectralTable& table, const std::vector<float>& signal) {
  std::vector<double> x(signal.begin(), signal.end());
  double positional = 0;
  for (double value : x) positional -= value > 0 ? value * std::log(value) : 0;
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  for (size_t t = 0; t < x.size(); ++t) {
    x[t] = (x[t] - (table.detrended ? mean : 0)) * static_cast<double>(table.weights[t]);
  }
  const int64_t points = table.plan.length, bins = points / 2 + 1;
  std::vector<double> power;
  for (int64_t k = 0; k < bins; ++k) {
    double re = 0, im = 0;
    for (size_t t = 0; t < x.size(); ++t) {
      const double turn = 2 * M_PI * static_cast<double>(k * static_cast<int64_t>(t) % points) /
                          static_cast<double>(points);
      re += x[t] * std::cos(turn);
      im -= x[t] * std::sin(turn);
    }
    power.push_back((re * re + im * im) * (k == 0 || 2 * k == points ? 1 : 2));
  }
  const double total = std::accumulate(power.begin(), power.end(), 0.0);
  double entropy = 0, logs = 0;
  for (double& p : power) {
    p /= total;
    entropy -= p > 0 ? p * std::log(p) : 0;
    logs += std::log(std::max(p, 1e-10));
  }
  const double peak = *std::max_element(power.begin(), power.end());
  auto band = [&](int64_t first, int64_t count) {
    return std::accumulate(power.begin() + first, power.begin() + first + count, 0.0);
  };
  const int64_t third = table.band_bins[0];
  return {entropy,
          peak / (1 - peak + 1e-10),
          band(0, third),
          peak,
          logs / static_cast<double>(bins),
          band(third, third),
          band(2 * third, table.band_bins[2]),
          positional};
}

struct Block {
  std::vector<std::vector<float>> signals, twins;  // one a lane
  std::vector<std::vector<int32_t>> keys;
  std::vector<SignalSource> sources;
};

// Softmaxed noise, some of it sharp, and its permutations.
Block RandomBlock(int64_t length, int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Block block;
  for (int64_t lane = 0; lane < count; ++lane) {
    std::vector<float> signal;
    for (int64_t t = 0; t < length; ++t) {
      signal.push_back(std::exp(normal(random) * static_cast<float>(lane % 5 + 1) / 2));
    }
    const float sum = std::accumulate(signal.begin(), signal.end(), 0.0F);
    for (float& value : signal) value /= sum;
    std::vector<int32_t> keys(static_cast<size_t>(length));
    std::iota(keys.begin(), keys.end(), 0);
    std::shuffle(keys.begin(), keys.end(), random);
    std::vector<float> twin;
    for (int32_t key : keys) twin.push_back(signal[static_cast<size_t>(key)]);
    block.signals.push_back(signal);
    block.twins.push_back(twin);
    block.keys.push_back(keys);
  }
  for (size_t lane = 0; lane < block.signals.size(); ++lane) {
    const float* row = block.signals[lane].data();
    block.sources.push_back({row, 1, row, block.keys[lane].data()});
  }
  return block;
}

void ExpectFigures(const SpectralTable& table, const std::vector<std::vector<float>>& signals,
                   const SpectralFigures& figures, const std::string& where) {
  for (size_t lane = 0; lane < signals.size(); ++lane) {
    const std::vector<double> wanted = Wanted(table, signals[lane]);
    for (size_t figure = 0; figure < wanted.size(); ++figure) {
      const double tolerance = std::max(2e-5 * std::abs(wanted[figure]), 1e-6);
      EXPECT_NEAR(figures.values[figure][lane], wanted[figure], tolerance)
          << where << " lane " << lane << " figure " << figure;
    }
    EXPECT_EQ(figures.values[SpectralFigures::kCounted][lane], 1) << where;
  }
}

TEST(Lanes, EveryKernelGivesTheFiguresAtEveryLength) {
  const std::vector<Kernel> kernels = Kernels();
  for (int64_t length : {5,   6,   7,   8,   9,   12,  16,  25,  30,  49,  60,  64,  97,
                         111, 112, 121, 127, 128, 210, 243, 255, 256, 257, 343, 511, 512}) {
    for (int64_t points : {length, length + 3}) {
      const SpectralTable table = Table(length, points, length % 2 == 0);
      const Block block = RandomBlock(length, length % 16 + 1, static_cast<uint32_t>(length));
      const at::Tensor scratch = at::empty({SpectralScratch(table)}, at::kFloat);
      for (size_t kernel = 0; kernel < kernels.size(); ++kernel) {
        SpectralFigures figures, twins;
        kernels[kernel](table, block.sources.data(), static_cast<int64_t>(block.sources.size()),
                        scratch.data_ptr<float>(), figures, twins);
        const std::string where = "kernel " + std::to_string(kernel) + " length " +
                                  std::to_string(length) + " points " + std::to_string(points);
        ExpectFigures(table, block.signals, figures, where);
        ExpectFigures(table, block.twins, twins, where + " twins");
      }
    }
  }
}

TEST(Lanes, NaNStaysInItsLane) {
  const SpectralTable table = Table(60, 60, true);
  Block block = RandomBlock(60, 16, 3);
  const at::Tensor scratch = at::empty({SpectralScratch(table)}, at::kFloat);
  SpectralFigures before, after, twins;
  SpectralBlock(table, block.sources.data(), 16, scratch.data_ptr<float>(), before, twins);
  block.signals[4][17] = std::numeric_limits<float>::quiet_NaN();
  SpectralBlock(table, block.sources.data(), 16, scratch.data_ptr<float>(), after, twins);
  for (int figure = 0; figure < SpectralFigures::kFigures; ++figure) {
    for (int lane = 0; lane < 16; ++lane) {
      if (lane == 4) continue;
      EXPECT_EQ(before.values[figure][lane], after.values[figure][lane]) << figure;
    }
  }
}

TEST(Lanes, ConstantSignalsAreFlatAndEmptyOnesEmpty) {
  SpectralTable table = Table(2000, 2000, true);
  table.renormalised = true;
  std::vector<std::vector<float>> signals(16, std::vector<float>(2000, 0.1F / 3));
  signals[5].assign(2000, 0);
  std::vector<SignalSource> sources;
  for (const std::vector<float>& signal : signals) {
    sources.push_back({signal.data(), 1, signal.data(), nullptr});
  }
  const at::Tensor scratch = at::empty({SpectralScratch(table)}, at::kFloat);
  SpectralFigures figures, twins;
  SpectralBlock(table, sources.data(), 16, scratch.data_ptr<float>(), figures, twins);
  for (int lane = 0; lane < 16; ++lane) {
    EXPECT_EQ(figures.values[SpectralFigures::kCounted][lane], 0) << lane;
    EXPECT_EQ(figures.values[SpectralFigures::kFilled][lane], lane == 5 ? 0 : 1);
  }
  EXPECT_NEAR(figures.values[SpectralFigures::kPositionalEntropy][0], std::log(2000.0), 1e-5);
}

TEST(Lanes, LargestPrimes) {
  EXPECT_EQ(LargestPrimeFactor(1), 1);
  EXPECT_EQ(LargestPrimeFactor(2048), 2);
  EXPECT_EQ(LargestPrimeFactor(2047), 89);
  EXPECT_EQ(LargestPrimeFactor(2039), 2039);
  EXPECT_EQ(LargestPrimeFactor(111), 37);
}

}  // namespace
}  // namespace ondelette::engine
