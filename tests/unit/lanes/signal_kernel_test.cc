// What is measured of signals before any transform, by every kernel, against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

// Numbers [count][kLaneCount] between 0 and 1, some of them 0.
struct Numbers {
  explicit Numbers(int64_t count) {
    std::mt19937 random(static_cast<uint32_t>(count));
    std::uniform_real_distribution<float> uniform(-0.2F, 1.0F);
    x = memory.AtLeast(count * kLaneCount);
    for (int64_t at = 0; at < count * kLaneCount; ++at) x[at] = std::max(0.0F, uniform(random));
  }
  float At(int64_t t, int64_t lane) const { return x[t * kLaneCount + lane]; }
  LaneBuffer memory;
  float* x;
};

TEST(SignalKernel, MeasuresMassEnergyAndLogarithms) {
  for (int64_t count : {0, 1, 17, 300}) {
    const Numbers numbers(count);
    for (const LaneKernels& kernels : RunnableKernels()) {
      SignalMeasures measures;
      float sums[kLaneCount];
      kernels.measure_signals(numbers.x, count, measures);
      kernels.sum_signals(numbers.x, count, sums);
      for (int64_t lane = 0; lane < kLaneCount; ++lane) {
        double mass = 0, energy = 0, logs = 0;
        for (int64_t t = 0; t < count; ++t) {
          const double value = numbers.At(t, lane);
          mass += value;
          energy += value * value;
          if (value > 0) logs += value * std::log(value);
        }
        EXPECT_NEAR(measures.mass[lane], mass, 1e-6 * (1 + mass)) << kernels.instruction_set;
        EXPECT_NEAR(sums[lane], mass, 1e-6 * (1 + mass));
        EXPECT_NEAR(measures.energy[lane], energy, 1e-6 * (1 + energy));
        EXPECT_NEAR(measures.log_mass[lane], logs, 2e-6 * (1 + std::abs(logs)));
      }
    }
  }
}

TEST(SignalKernel, LocalMassLooksBothWays) {
  const int64_t keys = 50;
  const Numbers numbers(keys);
  for (const LaneKernels& kernels : RunnableKernels()) {
    for (int64_t first : {0, 16, 32, 48}) {
      const LaneBlock block{0,    first,    std::min<int64_t>(kLaneCount, keys - first), keys, 0,
                            keys, numbers.x};
      float mass[kLaneCount];
      kernels.local_mass(block, 5, mass);
      for (int64_t lane = 0; lane < block.queries; ++lane) {
        double wanted = 0;
        for (int64_t key = 0; key < keys; ++key) {
          if (std::abs(first + lane - key) < 5) wanted += numbers.At(key, lane);
        }
        EXPECT_NEAR(mass[lane], wanted, 1e-5)
            << kernels.instruction_set << " query " << first + lane;
      }
    }
  }
}

TEST(SignalKernel, WindowsRunBackFromEachQuery) {
  const int64_t keys = 40, window = 7;
  const Numbers numbers(keys);
  std::vector<float> x(static_cast<size_t>(window * kLaneCount));
  for (const LaneKernels& kernels : RunnableKernels()) {
    for (int64_t first : {0, 16, 32}) {
      kernels.cut_windows({0, first, std::min<int64_t>(16, keys - first), keys, 0, keys, numbers.x},
                          window, x.data());
      for (int64_t lane = 0; lane < kLaneCount && first + lane < keys; ++lane) {
        for (int64_t d = 0; d < window; ++d) {
          const int64_t key = first + lane - d;
          EXPECT_EQ(x[static_cast<size_t>(d * kLaneCount + lane)],
                    key < 0 ? 0 : numbers.At(key, lane));
        }
      }
    }
  }
}

TEST(SignalKernel, GathersEachLaneByItsOwnKeys) {
  const int64_t count = 33;
  const Numbers numbers(count);
  std::mt19937 random(1);
  std::vector<uint16_t> rows(count * kLaneCount);
  std::vector<int32_t> windows(count * kLaneCount);
  for (size_t at = 0; at < rows.size(); ++at) {
    windows[at] = static_cast<int32_t>(rows[at] = static_cast<uint16_t>(random() % count));
  }
  std::vector<float> out(rows.size()), again(rows.size());
  for (const LaneKernels& kernels : RunnableKernels()) {
    kernels.gather_rows(numbers.x, rows.data(), count, out.data());
    kernels.gather_windows(numbers.x, windows.data(), count, again.data());
    for (size_t at = 0; at < rows.size(); ++at) {
      EXPECT_EQ(out[at], numbers.At(rows[at], static_cast<int64_t>(at) % kLaneCount));
    }
    EXPECT_EQ(out, again);
  }
}

TEST(SignalKernel, ReceivedIsWeightedAndSkipsWhatWeighsNothing) {
  for (int64_t count : {1, 16, 37}) {
    Numbers numbers(count);
    float weights[kLaneCount];
    for (int64_t lane = 0; lane < kLaneCount; ++lane) weights[lane] = static_cast<float>(lane % 3);
    for (int64_t t = 0; t < count; ++t) numbers.x[t * kLaneCount] = NAN;  // lane 0 weighs nothing
    for (const LaneKernels& kernels : RunnableKernels()) {
      std::vector<double> sums(static_cast<size_t>(count), 1.0);
      kernels.add_received(numbers.x, count, weights, sums.data());
      for (int64_t t = 0; t < count; ++t) {
        double wanted = 1;
        for (int64_t lane = 1; lane < kLaneCount; ++lane) {
          wanted += static_cast<double>(numbers.At(t, lane)) * static_cast<double>(lane % 3);
        }
        EXPECT_NEAR(sums[static_cast<size_t>(t)], wanted, 1e-5) << kernels.instruction_set;
      }
    }
  }
}

}  // namespace
}  // namespace ondelette::engine
