// The spectra of every kernel against the same figures step by step in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

// A table whose bands have a third of the bins each.
SpectralTable Table(int64_t length, int64_t points) {
  SpectralTable table(points);
  table.length = length;
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

// The same figures in float64, in the order of SpectralTotals.
std::vector<double> Wanted(const SpectralTable& table, const std::vector<float>& signal,
                           bool detrended) {
  std::vector<double> x(signal.begin(), signal.end());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  for (size_t t = 0; t < x.size(); ++t) {
    x[t] = (x[t] - (detrended ? mean : 0)) * static_cast<double>(table.weights[t]);
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
          std::exp(logs / static_cast<double>(bins)) * static_cast<double>(bins),
          band(third, third),
          band(2 * third, table.band_bins[2]),
          1};
}

using Signals = std::vector<std::vector<float>>;  // one a lane

// Softmaxed noise, some of it sharp.
Signals RandomSignals(int64_t length, int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Signals signals;
  for (int64_t lane = 0; lane < count; ++lane) {
    std::vector<float> signal;
    for (int64_t t = 0; t < length; ++t) {
      signal.push_back(std::exp(normal(random) * static_cast<float>(lane % 5 + 1) / 2));
    }
    const float sum = std::accumulate(signal.begin(), signal.end(), 0.0F);
    for (float& value : signal) value /= sum;
    signals.push_back(signal);
  }
  return signals;
}

// The signals side by side, scaled by `scale` first; the kernel takes that back.
struct Block {
  Block(const SpectralTable& table, const Signals& signals, bool detrended, float scale) {
    float* x = memory.AtLeast(table.length * kLaneCount);
    std::fill(x, x + table.length * kLaneCount, 0.0F);
    for (size_t lane = 0; lane < signals.size(); ++lane) {
      double sum = 0, energy = 0;
      for (int64_t t = 0; t < table.length; ++t) {
        const float value = signals[lane][static_cast<size_t>(t)];
        x[t * kLaneCount + static_cast<int64_t>(lane)] = value * scale;
        sum += value;
        energy += value * value;
      }
      if (detrended) input.mean[lane] = static_cast<float>(sum / static_cast<double>(table.length));
      input.energy[lane] = static_cast<float>(energy);
      input.scale[lane] = 1 / scale;
      input.filled[lane] = 1;
    }
    input.x = x;
    input.seen = table.length;
  }
  LaneBuffer memory;
  SpectralInput input{};
};

void ExpectTotals(const SpectralTable& table, const Signals& signals, bool detrended,
                  const SpectralTotals& totals, const std::string& where) {
  for (size_t lane = 0; lane < kLaneCount; ++lane) {
    if (lane >= signals.size()) {
      EXPECT_EQ(totals.values[SpectralTotals::kCounted][lane], 0) << where;
      continue;
    }
    const std::vector<double> wanted = Wanted(table, signals[lane], detrended);
    ASSERT_EQ(wanted.size(), size_t{SpectralTotals::kFigures});
    for (size_t figure = 0; figure < wanted.size(); ++figure) {
      const double tolerance = std::max(2e-5 * std::abs(wanted[figure]), 1e-6);
      EXPECT_NEAR(totals.values[figure][lane], wanted[figure], tolerance)
          << where << " lane " << lane << " figure " << figure;
    }
  }
}

TEST(SpectralKernel, GivesTheFiguresAtEveryLength) {
  LaneBuffer scratch;
  for (int64_t length : {5,   6,   7,   8,   9,   12,  16,  25,  30,  49,  60,  64,  97,  111,
                         112, 121, 127, 128, 203, 210, 243, 255, 256, 257, 267, 343, 511, 512}) {
    for (int64_t points : {length, length + 3}) {
      const bool detrended = length % 2 == 0;
      const SpectralTable table = Table(length, points);
      const auto seed = static_cast<uint32_t>(length);
      const Signals signals = RandomSignals(length, length % 16 + 1, seed);
      const Signals others = RandomSignals(length, 16, seed + 1);
      const Block block(table, signals, detrended, 1), other(table, others, detrended, 0.5F);
      for (const LaneKernels& kernels : RunnableKernels()) {
        SpectralTotals totals, other_totals, alone;
        float* memory = scratch.AtLeast(SpectralScratch(table));
        kernels.add_spectra(table, block.input, &other.input, memory, totals, &other_totals);
        const std::string where = std::string(kernels.instruction_set) + " length " +
                                  std::to_string(length) + " points " + std::to_string(points);
        ExpectTotals(table, signals, detrended, totals, where);
        ExpectTotals(table, others, detrended, other_totals, where + " others");
        kernels.add_spectra(table, block.input, nullptr, memory, alone, nullptr);
        ExpectTotals(table, signals, detrended, alone, where + " alone");
      }
    }
  }
}

// What is zero in every lane need not be read.
TEST(SpectralKernel, NothingIsReadBehindWhatIsSeen) {
  const SpectralTable table = Table(60, 64);
  Signals signals = RandomSignals(60, 16, 4);
  for (std::vector<float>& signal : signals) std::fill(signal.begin() + 23, signal.end(), 0.0F);
  LaneBuffer scratch;
  for (const LaneKernels& kernels : RunnableKernels()) {
    Block block(table, signals, true, 1);
    block.input.seen = 23;
    for (int64_t at = 23 * kLaneCount; at < 60 * kLaneCount; ++at) block.memory.AtLeast(1)[at] = 9;
    SpectralTotals totals;
    kernels.add_spectra(table, block.input, nullptr, scratch.AtLeast(SpectralScratch(table)),
                        totals, nullptr);
    ExpectTotals(table, signals, true, totals, kernels.instruction_set);
  }
}

TEST(SpectralKernel, NaNStaysInItsLane) {
  const SpectralTable table = Table(60, 60);
  Signals signals = RandomSignals(60, 16, 3);
  LaneBuffer scratch;
  for (const LaneKernels& kernels : RunnableKernels()) {
    SpectralTotals before, after;
    float* memory = scratch.AtLeast(SpectralScratch(table));
    const Block sound(table, signals, true, 1);
    kernels.add_spectra(table, sound.input, nullptr, memory, before, nullptr);
    Signals broken = signals;
    broken[4][17] = std::numeric_limits<float>::quiet_NaN();
    const Block block(table, broken, true, 1);
    kernels.add_spectra(table, block.input, nullptr, memory, after, nullptr);
    for (int figure = 0; figure < SpectralTotals::kFigures; ++figure) {
      for (int lane = 0; lane < kLaneCount; ++lane) {
        if (lane == 4) continue;
        EXPECT_EQ(before.values[figure][lane], after.values[figure][lane]) << figure;
      }
    }
  }
}

TEST(SpectralKernel, ConstantSignalsAreFlat) {
  const SpectralTable table = Table(2000, 2000);
  const Signals signals(16, std::vector<float>(2000, 0.1F / 3));
  const Block block(table, signals, true, 1);
  LaneBuffer scratch;
  for (const LaneKernels& kernels : RunnableKernels()) {
    SpectralTotals totals;
    kernels.add_spectra(table, block.input, nullptr, scratch.AtLeast(SpectralScratch(table)),
                        totals, nullptr);
    for (int lane = 0; lane < kLaneCount; ++lane) {
      EXPECT_EQ(totals.values[SpectralTotals::kCounted][lane], 0) << lane;
    }
  }
}

TEST(FftPlan, LargestPrimes) {
  EXPECT_EQ(LargestPrimeFactor(1), 1);
  EXPECT_EQ(LargestPrimeFactor(2048), 2);
  EXPECT_EQ(LargestPrimeFactor(2047), 89);
  EXPECT_EQ(LargestPrimeFactor(2039), 2039);
  EXPECT_EQ(LargestPrimeFactor(111), 37);
}

}  // namespace
}  // namespace ondelette::engine
