// The wavelets of every CPU kernel against Wavelet in float64, for every boundary.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/analysis/records.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/wavelet.h"
#include "worker/engine/analysis/wavelet_sums.h"
#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

constexpr Boundary kBoundaries[] = {Boundary::kSymmetric, Boundary::kReflect, Boundary::kZero,
                                    Boundary::kPeriodization};
constexpr float kOnes[kLaneCount] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
constexpr float kZeros[kLaneCount] = {};

void ExpectNear(const at::Tensor& got, const at::Tensor& wanted, double tolerance,
                const std::string& what) {
  ASSERT_EQ(got.sizes(), wanted.sizes()) << what;
  EXPECT_LE((got.to(at::kDouble) - wanted.to(at::kDouble)).abs().max().item<double>(), tolerance)
      << what;
}

at::Tensor SumOfLanes(const std::vector<double>& sums) {
  return at::tensor(sums, at::kDouble).view({-1, kLaneCount}).sum(1);
}

// Coefficients by level, [lanes, count], from [coefficients][kLaneCount], finest detail first.
std::vector<at::Tensor> Levels(const WaveletTable& table, const float* coefficients) {
  std::vector<at::Tensor> levels;
  int64_t end = table.coefficients;
  auto take = [&](int64_t count) {
    end -= count;
    at::Tensor level = at::empty({count, kLaneCount}, at::kFloat);
    std::copy_n(coefficients + end * kLaneCount, level.numel(), level.data_ptr<float>());
    levels.push_back(level.t());
  };
  take(table.steps.back().half);
  for (auto step = table.steps.rbegin(); step != table.steps.rend(); ++step) take(step->half);
  return levels;
}

// Rows [16, length] that are zero from `seen` on.
void Compare(const LaneKernels& kernels, const at::Tensor& rows, int64_t seen,
             const Wavelet& wavelet, WaveletEntropy entropy, const std::string& what) {
  const WaveletTable& table = wavelet.table();
  SignalTile tile{0, rows.unsqueeze(0).to(at::kDouble), at::ones({1, kLaneCount}, at::kBool), {}};
  TransformOnce(wavelet, tile);
  at::Tensor x = rows.t().contiguous();
  LaneBuffer scratch;
  float* memory = scratch.AtLeast(WaveletScratch(table));
  const float* coefficients =
      kernels.transform_wavelets(table, x.data_ptr<float>(), kOnes, kZeros, seen, memory);
  const std::vector<at::Tensor> levels = Levels(table, coefficients);
  ASSERT_EQ(levels.size(), tile.levels.size());
  for (size_t level = 0; level < levels.size(); ++level) {
    ExpectNear(levels[level], tile.levels[level][0], 1e-6, what + " coefficients");
  }
  Figures wanted;
  WaveletSums sums(entropy);
  sums.Add(tile);
  sums.Finish(wanted);
  std::vector<double> shares(levels.size() * kLaneCount), entropies(shares.size());
  kernels.add_wavelet_figures(table, coefficients, kOnes, seen,
                              entropy == WaveletEntropy::kWithinScale, shares.data(),
                              entropies.data());
  ExpectNear(SumOfLanes(shares) / 16, wanted["wavelet_energy"][0], 5e-6, what + " energy");
  ExpectNear(SumOfLanes(entropies) / 16, wanted["wavelet_entropy"][0], 5e-6, what + " entropy");
  ReconstructionTotals reconstruction;
  kernels.add_reconstruction(table, kOnes, seen, memory, reconstruction);
  for (int lane = 0; lane < kLaneCount; ++lane) {
    const double error = std::sqrt(reconstruction.error[lane] / reconstruction.energy[lane]);
    EXPECT_LT(error, 1e-6) << what;
  }
}

TEST(WaveletKernel, IsTheWaveletAtEveryLengthAndBoundary) {
  for (int64_t n : {6, 7, 17, 66, 112, 113}) {
    const at::Tensor all = RandomAttention(1, std::max<int64_t>(n, 16), n)[0]
                               .narrow(0, std::max<int64_t>(n, 16) - 16, 16)
                               .narrow(1, 0, n);
    for (Boundary boundary : kBoundaries) {
      for (int level : {1, 4, 5}) {
        const Wavelet wavelet(n, level, boundary, at::kCPU);
        for (const LaneKernels& kernels : RunnableKernels()) {
          const std::string what =
              std::string(kernels.instruction_set) + " n " + std::to_string(n) + " boundary " +
              std::to_string(static_cast<int>(boundary)) + " level " + std::to_string(level);
          Compare(kernels, all, n, wavelet, WaveletEntropy::kWithinScale, what);
          Compare(kernels, all, n, wavelet, WaveletEntropy::kRaw, what + " raw");
          for (int64_t seen : {int64_t{1}, int64_t{2}, n / 2, n - 5, n - 4, n - 3, n - 1}) {
            at::Tensor rows = all.clone();
            rows.narrow(1, seen, n - seen).zero_();
            rows = rows / rows.sum(1, true);
            Compare(kernels, rows, seen, wavelet, WaveletEntropy::kWithinScale,
                    what + " seen " + std::to_string(seen));
          }
        }
      }
    }
  }
}

// With plain products, rounding would leave noise in the details that is all there is of them.
TEST(WaveletKernel, WhatIsConstantOrLinearHasNoDetailInside) {
  const Wavelet wavelet(64, 1, Boundary::kSymmetric, at::kCPU);
  at::Tensor x = at::empty({64, kLaneCount}, at::kFloat);
  for (int64_t t = 0; t < 64; ++t) {
    x[t].slice(0, 0, 8).fill_(0.1F / 3);
    x[t].slice(0, 8).fill_(static_cast<float>(t) / 64);
  }
  LaneBuffer scratch;
  for (const LaneKernels& kernels : RunnableKernels()) {
    const float* coefficients =
        kernels.transform_wavelets(wavelet.table(), x.data_ptr<float>(), kOnes, kZeros, 64,
                                   scratch.AtLeast(WaveletScratch(wavelet.table())));
    const at::Tensor detail = Levels(wavelet.table(), coefficients)[1];
    EXPECT_EQ(detail.slice(0, 0, 8).abs().max().item<float>(), 0) << kernels.instruction_set;
    EXPECT_EQ(detail.slice(0, 8).slice(1, 1, 32).abs().max().item<float>(), 0);
  }
}

TEST(WaveletKernel, StoresRowsAsFarAsThereIsRoom) {
  at::Tensor c = at::arange(0, 21 * 16, at::kFloat).view({21, 16}).contiguous();
  for (const LaneKernels& kernels : RunnableKernels()) {
    std::vector<float> out(21 * 5, -1.0F);
    kernels.store_rows(c.data_ptr<float>(), 21, 3, 8, out.data(), 21 * 4 + 2);
    for (int64_t at = 0; at < 21 * 5; ++at) {
      const float wanted = static_cast<float>(at % 21 * 16 + 3 + at / 21);
      EXPECT_EQ(out[static_cast<size_t>(at)], at < 21 * 4 + 2 ? wanted : -1) << at;
    }
  }
}

TEST(WaveletKernel, MultipliesVectorsOfAnyLength) {
  for (int64_t length : {1, 16, 1000, 4099}) {
    at::Tensor u = RandomAttention(1, 66, 5).flatten().narrow(0, 0, length % 4356).contiguous();
    at::Tensor v = RandomAttention(1, 66, 6).flatten().narrow(0, 0, length % 4356).contiguous();
    for (const LaneKernels& kernels : RunnableKernels()) {
      const Products got =
          kernels.multiply_vectors(u.data_ptr<float>(), v.data_ptr<float>(), length);
      auto dot = [](const at::Tensor& a, const at::Tensor& b) {
        return (a.to(at::kDouble) * b.to(at::kDouble)).sum().item<double>();
      };
      EXPECT_NEAR(got.uu, dot(u, u), 1e-6 * dot(u, u));
      EXPECT_NEAR(got.vv, dot(v, v), 1e-6 * dot(v, v));
      EXPECT_NEAR(got.uv, dot(u, v), 1e-6 * std::sqrt(dot(u, u) * dot(v, v)));
    }
  }
}

}  // namespace
}  // namespace ondelette::engine
