// The CPU's wavelet kernel against Wavelet in float64, for every boundary.
#include "worker/engine/analysis/lane_wavelets.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/analysis/records.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/wavelet_sums.h"

namespace ondelette::engine {
namespace {

constexpr Boundary kBoundaries[] = {Boundary::kSymmetric, Boundary::kReflect, Boundary::kZero,
                                    Boundary::kPeriodization};

void ExpectNear(const at::Tensor& got, const at::Tensor& wanted, double tolerance,
                const std::string& what) {
  ASSERT_EQ(got.sizes(), wanted.sizes()) << what;
  EXPECT_LE((got.to(at::kDouble) - wanted.to(at::kDouble)).abs().max().item<double>(), tolerance)
      << what;
}

// Rows of a tile, as values in float64 and as places.
void Compare(const Wavelet& wavelet, const at::Tensor& attention, Sink sink, WaveletEntropy entropy,
             const std::string& what) {
  SignalTile values = PrepareRows(0, attention, sink);
  SignalTile places = PlaceRows(0, attention, sink, entropy);
  ASSERT_EQ(values.count(), places.count());
  ASSERT_EQ(values.heads(), places.heads());
  TransformOnce(wavelet, values);
  TransformOnce(wavelet, places);
  ASSERT_EQ(values.levels.size(), places.levels.size());
  for (size_t level = 0; level < values.levels.size(); ++level) {
    ExpectNear(places.levels[level], values.levels[level], 1e-6, what + " coefficients");
  }
  EXPECT_TRUE(at::equal(values.filled, places.filled)) << what;
  Figures wanted, got;
  for (auto [tile, figures] : {std::pair{&values, &wanted}, std::pair{&places, &got}}) {
    WaveletSums sums(entropy);
    sums.Add(*tile);
    sums.Finish(*figures);
    ReceivedSums received;
    received.Add(*tile);
    (*figures)["received"] = received.Signal().values;
  }
  for (const auto& [name, figure] : wanted) ExpectNear(got[name], figure, 5e-6, what + " " + name);
  ReconstructionSums reconstruction(wavelet);
  reconstruction.Add(places);
  reconstruction.Finish(got);
  EXPECT_LT(got["reconstruction_error"].max().item<double>(), 1e-6) << what;
  EXPECT_GT(got["reconstruction_error"].min().item<double>(), 0) << what;
}

TEST(LaneWavelets, AreTheWaveletsAtEveryLengthAndBoundary) {
  for (int64_t n : {6, 7, 17, 66, 112, 113}) {
    const at::Tensor attention = RandomAttention(3, n, static_cast<uint64_t>(n));
    for (Boundary boundary : kBoundaries) {
      for (int level : {1, 4, 5}) {
        for (Sink sink : {Sink::kKept, Sink::kDropped}) {
          const Wavelet wavelet(sink == Sink::kKept ? n : n - 1, level, boundary, at::kCPU);
          const std::string what = "n " + std::to_string(n) + " boundary " +
                                   std::to_string(static_cast<int>(boundary)) + " level " +
                                   std::to_string(level);
          Compare(wavelet, attention, sink, WaveletEntropy::kWithinScale, what);
          Compare(wavelet, attention, sink, WaveletEntropy::kRaw, what + " raw");
        }
      }
    }
  }
}

TEST(LaneWavelets, DetrendedRowsLoseTheirMean) {
  const at::Tensor attention = RandomAttention(2, 40, 5);
  const Wavelet wavelet(40, 3, Boundary::kSymmetric, at::kCPU);
  const SignalTile values = PrepareRows(0, attention, Sink::kKept);
  const SignalTile places = PlaceRows(0, attention, Sink::kKept, WaveletEntropy::kWithinScale);
  const LaneTransform wanted = TransformDetrended(wavelet, values, 21);
  const LaneTransform got = TransformDetrended(wavelet, places, 21);
  for (size_t level = 0; level < wanted.levels.size(); ++level) {
    ExpectNear(got.levels[level], wanted.levels[level], 1e-6, "level");
  }
  EXPECT_TRUE(at::equal(got.filled, wanted.filled));
}

TEST(LaneWavelets, WindowsAreRenormalisedAndEmptyOnesLeftOut) {
  at::Tensor attention = RandomAttention(2, 30, 6);
  attention[1].slice(0, 20).zero_();
  attention[1].slice(0, 20).select(1, 0).fill_(1);  // outside of every window
  const Wavelet wavelet(8, 2, Boundary::kReflect, at::kCPU);
  int64_t first = 0;
  SignalTile values = NormaliseWindows(0, RelativeWindows(first, attention, 8));
  SignalTile places = PlaceWindows(0, attention, 8, WaveletEntropy::kWithinScale);
  TransformOnce(wavelet, values);
  TransformOnce(wavelet, places);
  EXPECT_TRUE(at::equal(values.filled, places.filled));
  for (size_t level = 0; level < values.levels.size(); ++level) {
    ExpectNear(places.levels[level], values.levels[level], 1e-6, "level");
  }
  EXPECT_EQ(places.totals.filled[1].item<double>(), 12);
}

}  // namespace
}  // namespace ondelette::engine
