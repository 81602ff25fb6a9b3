#include "worker/engine/analysis/wavelet.h"

#include <gtest/gtest.h>

#include <map>

#include "records.h"

namespace ondelette::engine {
namespace {

const std::map<std::string, Boundary> kBoundaries = {{"symmetric", Boundary::kSymmetric},
                                                     {"reflect", Boundary::kReflect},
                                                     {"zero", Boundary::kZero},
                                                     {"periodization", Boundary::kPeriodization}};

at::Tensor Vector(const nlohmann::json& numbers) {
  return at::tensor(numbers.get<std::vector<double>>(), at::kDouble);
}

TEST(Wavelet, IsPyWaveletsTransform) {
  nlohmann::json goldens = ReadJson("tests/unit/analysis/wavelet_goldens.json");
  ASSERT_EQ(goldens.size(), 47U);
  for (const nlohmann::json& golden : goldens) {
    at::Tensor signal = Vector(golden["signal"]);
    std::string boundary = golden["boundary"];
    SCOPED_TRACE(boundary + " " + std::to_string(signal.size(0)));
    Wavelet wavelet(signal.size(0), golden["level"], kBoundaries.at(boundary), at::kCPU);
    std::vector<at::Tensor> levels = wavelet.Transform(signal);
    ASSERT_EQ(levels.size(), golden["levels"].size());
    for (size_t level = 0; level < levels.size(); ++level) {
      at::Tensor expected = Vector(golden["levels"][level]);
      ASSERT_EQ(levels[level].sizes(), expected.sizes()) << level;
      ASSERT_EQ(wavelet.lengths()[level], expected.size(0));
      EXPECT_TRUE(at::allclose(levels[level], expected, 1e-10, 1e-10)) << level;
    }
  }
}

TEST(Wavelet, InverseGivesTheSignalBack) {
  for (const auto& [name, boundary] : kBoundaries) {
    for (int64_t length : {1, 2, 3, 4, 5, 8, 31, 64, 111, 112}) {
      for (int level : {1, 2, 5}) {
        SCOPED_TRACE(name + " " + std::to_string(length) + " " + std::to_string(level));
        at::Tensor signals = at::rand({2, 3, length}, at::kDouble);
        Wavelet wavelet(length, level, boundary, at::kCPU);
        at::Tensor again = wavelet.Inverse(wavelet.Transform(signals));
        ASSERT_EQ(again.sizes(), signals.sizes());
        EXPECT_TRUE(at::allclose(again, signals, 1e-12, 1e-12));
      }
    }
  }
}

TEST(Wavelet, WorksInThePrecisionItIsGiven) {
  Wavelet wavelet(50, 4, Boundary::kSymmetric, at::kCPU);
  at::Tensor single = at::rand({1, 2, 50}, at::kFloat);
  std::vector<at::Tensor> levels = wavelet.Transform(single);
  EXPECT_EQ(levels[0].scalar_type(), at::kFloat);
  EXPECT_EQ(wavelet.Inverse(levels).scalar_type(), at::kFloat);
}

}  // namespace
}  // namespace ondelette::engine
