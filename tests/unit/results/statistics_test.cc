#include "server/aggregate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "server/aggregate/correlation.h"

namespace ondelette::server {
namespace {

using Json = nlohmann::json;

Json Goldens() {
  return Json::parse(std::ifstream(ONDELETTE_SOURCE_DIR "/tests/unit/results/goldens.json"));
}

std::vector<double> Numbers(const Json& list) {
  std::vector<double> numbers;
  for (const Json& item : list) numbers.push_back(item.is_null() ? kUndefined : item.get<double>());
  return numbers;
}

void ExpectFigure(const Json& expected, double actual, double tolerance, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isnan(actual)) << what << " is " << actual;
    return;
  }
  const auto number = expected.get<double>();
  EXPECT_NEAR(actual, number, tolerance * std::max(1.0, std::abs(number))) << what;
}

TEST(Statistics, AreNumPys) {
  const Json goldens = Goldens();
  ASSERT_GE(goldens["statistics"].size(), 10U);
  for (const Json& golden : goldens["statistics"]) {
    std::vector<double> values = Numbers(golden["values"]);
    const Statistics s = StatisticsOf(values);
    const Json& expected = golden["expected"];
    EXPECT_EQ(s.count, expected["count"]);
    EXPECT_EQ(s.undefined, expected["undefined"]);
    ExpectFigure(expected["mean"], s.mean, 1e-15, "mean");
    ExpectFigure(expected["standard_deviation"], s.standard_deviation, 1e-14, "sd");
    ExpectFigure(expected["minimum"], s.minimum, 0, "minimum");
    ExpectFigure(expected["first_quartile"], s.first_quartile, 0, "first quartile");
    ExpectFigure(expected["median"], s.median, 1e-15, "median");
    ExpectFigure(expected["third_quartile"], s.third_quartile, 0, "third quartile");
    ExpectFigure(expected["maximum"], s.maximum, 0, "maximum");
  }
}

TEST(Statistics, LeaveOutWhatIsNotANumber) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values{1, kUndefined, infinity, 3, -infinity};
  const Statistics s = StatisticsOf(values);
  EXPECT_EQ(s.count, 2);
  EXPECT_EQ(s.undefined, 3);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.maximum, 3);
}

TEST(Statistics, TheMeanKeepsWhatPlainSumsLose) {
  EXPECT_EQ(MeanOf({1.0, 1e100, 1.0, -1e100}), 0.5);
}

TEST(Pearson, IsSciPys) {
  const Json goldens = Goldens();
  ASSERT_GE(goldens["pearson"].size(), 8U);
  for (const Json& golden : goldens["pearson"]) {
    Pairs pairs;
    const std::vector<double> x = Numbers(golden["x"]);
    const std::vector<double> y = Numbers(golden["y"]);
    for (size_t i = 0; i < x.size(); ++i) pairs.Add(x[i], y[i]);
    ExpectFigure(golden["expected"], Pearson(pairs), 1e-14, "rho");
    const Interval interval = IntervalOf(ResampledPearson(pairs, 3));
    ExpectFigure(golden["interval"][0], interval.low, 1e-12, "low");
    ExpectFigure(golden["interval"][1], interval.high, 1e-12, "high");
  }
}

TEST(Pearson, IsUndefinedWhereOnlyRoundingVaries) {
  Pairs pairs;
  for (double wobble : {0.0, 1e-16, -1e-16, 2e-16, 0.0}) pairs.Add(0.7 + wobble, 3 + 1e15 * wobble);
  EXPECT_TRUE(std::isnan(Pearson(pairs)));
}

TEST(Resamples, DifferByStreamAndRepeat) {
  Pairs pairs;
  for (int i = 0; i < 12; ++i) pairs.Add(i, (i * 7) % 5);
  EXPECT_EQ(ResampledPearson(pairs, 1), ResampledPearson(pairs, 1));
  EXPECT_NE(ResampledPearson(pairs, 1), ResampledPearson(pairs, 2));
}

TEST(Interval, IsUndefinedWhereHalfOfTheResamplesAre) {
  EXPECT_TRUE(std::isnan(IntervalOf({1, kUndefined, kUndefined}).low));
  EXPECT_EQ(IntervalOf({1, 1, kUndefined}).high, 1);
  EXPECT_TRUE(std::isnan(IntervalOf({}).high));
}

}  // namespace
}  // namespace ondelette::server
