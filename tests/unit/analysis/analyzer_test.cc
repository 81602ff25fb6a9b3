// What holds of every record, whatever its figures.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "records.h"
#include "worker/engine/analysis/layer_analyzer.h"
#include "worker/engine/analysis/plan.h"

namespace ondelette::engine {
namespace {

Spec SmallSpec(const std::string& preset, int tokens) {
  Spec spec = *PresetSpec(preset);
  spec.tokens = tokens;
  spec.scale_sampling = ScaleSampling::kPrefix;
  return spec;
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  return at::equal(a.view(at::kInt), b.view(at::kInt));
}

int64_t NonFiniteColumn(const Spec& spec) {
  std::vector<Column> columns = Columns(spec);
  for (size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].metric == kNonFiniteRows) return static_cast<int64_t>(at);
  }
  return -1;
}

class EveryPreset : public testing::TestWithParam<std::tuple<std::string, Method>> {
 protected:
  static std::string Preset() { return std::get<0>(GetParam()); }
  static Feeding Tiles(int64_t tile = 0) {
    Feeding feeding;
    feeding.tile = tile;
    feeding.method = std::get<1>(GetParam());
    return feeding;
  }
};

TEST_P(EveryPreset, RecordsAreTheSameBitForBitEachTime) {
  Spec spec = SmallSpec(Preset(), 130);
  at::Tensor attention = RandomAttention(3, 130, 1);
  at::Tensor first = Analyze(spec, attention, Tiles(50));
  EXPECT_TRUE(SameBits(first, Analyze(spec, attention, Tiles(50))));
}

TEST_P(EveryPreset, AHeadDoesNotDependOnItsNeighbours) {
  Spec spec = SmallSpec(Preset(), 130);
  at::Tensor attention = RandomAttention(5, 130, 2);
  at::Tensor all = Analyze(spec, attention, Tiles());
  at::Tensor one = Analyze(spec, attention.narrow(0, 3, 1), Tiles());
  EXPECT_TRUE(at::allclose(all.narrow(0, 3, 1), one, 1e-6, 1e-7, true));
}

TEST_P(EveryPreset, NanAndInfStayOnTheirHead) {
  Spec spec = SmallSpec(Preset(), 100);
  at::Tensor clean = RandomAttention(3, 100, 3);
  at::Tensor before = Analyze(spec, clean, Tiles(30));
  at::Tensor broken = clean.clone();
  broken[1][99][0] = std::numeric_limits<float>::quiet_NaN();
  broken[1][5][3] = std::numeric_limits<float>::infinity();
  broken[1][5][4] = -std::numeric_limits<float>::infinity();
  at::Tensor after = Analyze(spec, broken, Tiles(30));
  EXPECT_TRUE(SameBits(before[0], after[0]));
  EXPECT_TRUE(SameBits(before[2], after[2]));
  int64_t column = NonFiniteColumn(spec);
  EXPECT_EQ(before[1][column].item<float>(), 0);
  EXPECT_EQ(after[1][column].item<float>(), 2);
  at::Tensor undefined = after[1].isnan();
  EXPECT_EQ(undefined.sum().item<int64_t>(), undefined.size(0) - 1);
}

TEST_P(EveryPreset, NanInTheShortenedSequenceCounts) {
  Spec spec = SmallSpec(Preset(), 140);
  spec.scale_sampling = ScaleSampling::kStride;
  Feeding feeding = Tiles();
  feeding.shortened = {RandomAttention(2, 70, 4), RandomAttention(2, 35, 5)};
  feeding.shortened[1][0][20][2] = std::numeric_limits<float>::quiet_NaN();
  at::Tensor records = Analyze(spec, RandomAttention(2, 140, 6), feeding);
  int64_t column = NonFiniteColumn(spec);
  EXPECT_EQ(records[0][column].item<float>(), 1);
  EXPECT_TRUE(records[0][0].isnan().item<bool>());
  EXPECT_EQ(records[1][column].item<float>(), 0);
  EXPECT_FALSE(records[1][0].isnan().item<bool>());
}

TEST_P(EveryPreset, WithoutNullsAndAlphasOnlyThoseFiguresAreMissing) {
  Spec spec = SmallSpec(Preset(), 100);
  at::Tensor attention = RandomAttention(2, 100, 7);
  std::map<std::string, float> full = Labelled(spec, Analyze(spec, attention, Tiles())[1]);
  spec.nulls.clear();
  spec.alphas.clear();
  std::map<std::string, float> less = Labelled(spec, Analyze(spec, attention, Tiles())[1]);
  EXPECT_LT(less.size(), full.size());
  // One transform serves a signal and its shuffled twin: without the twin it rounds otherwise.
  for (const auto& [label, figure] : less) {
    EXPECT_NEAR(figure, full[label], 1e-6 * std::max(1.0F, std::abs(figure))) << label;
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, EveryPreset,
                         testing::Combine(testing::ValuesIn(PresetNames()), kEveryMethod),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + MethodName(std::get<1>(info.param));
                         });

TEST(Analyzer, EmptyAndFlatSignalsShowInCoverage) {
  Spec spec = SmallSpec("paper-table5", 64);
  at::Tensor uniform = Pattern("uniform", 64).to(at::kFloat).unsqueeze(0);
  std::map<std::string, float> figures = Labelled(spec, Analyze(spec, uniform)[0]);
  EXPECT_EQ(figures["coverage"], 0);
  EXPECT_TRUE(std::isnan(figures["spectral_entropy"]));
  EXPECT_FLOAT_EQ(figures["positional_entropy"], std::log(64.0F));
}

TEST(Analyzer, TilesMustFollowEachOther) {
  Spec spec = SmallSpec("paper-table5", 32);
  auto plan = AnalysisPlan::Create(spec, at::kCPU, true, true, Method::kTensors);
  ASSERT_TRUE(plan.ok());
  at::Tensor attention = RandomAttention(2, 32, 8);
  LayerAnalyzer analyzer(*plan, 2);
  EXPECT_THROW(analyzer.Add(1, attention.narrow(1, 1, 4)), c10::Error);
  analyzer.Add(0, attention.narrow(1, 0, 20));
  EXPECT_THROW(analyzer.Add(0, attention.narrow(1, 0, 20)), c10::Error);
  EXPECT_THROW(analyzer.Add(20, attention.narrow(0, 0, 1)), c10::Error);
  EXPECT_THROW(analyzer.AddShortened(0, 0, attention), c10::Error);
  EXPECT_THROW(analyzer.Finish(), c10::Error);
}

TEST(Analyzer, LanesMustFollowEachOther) {
  Spec spec = SmallSpec("paper-table5", 32);
  auto plan = AnalysisPlan::Create(spec, at::kCPU);
  ASSERT_TRUE(plan.ok());
  const at::Tensor values = at::ones({32, kLaneCount}, at::kFloat);
  auto block = [&](int64_t head, int64_t first) {
    return LaneBlock{head, first, kLaneCount, 32, 0, 32, values.data_ptr<float>()};
  };
  LayerAnalyzer analyzer(*plan, 2);
  EXPECT_THROW(analyzer.Add(0, RandomAttention(2, 32, 8)), c10::Error) << "tiles";
  EXPECT_THROW(analyzer.Add(block(0, 16)), c10::Error);
  EXPECT_THROW(analyzer.Add(block(2, 0)), c10::Error);
  analyzer.Add(block(0, 0));
  EXPECT_THROW(analyzer.Add(block(0, 0)), c10::Error);
  EXPECT_THROW(analyzer.AddShortened(0, block(0, 0)), c10::Error);
  EXPECT_THROW(analyzer.Finish(), c10::Error);
}

TEST(Analyzer, SpecsThatDoNotHoldAreRefused) {
  Spec spec = SmallSpec("relative-window", 65);
  auto plan = AnalysisPlan::Create(spec, at::kCPU);
  EXPECT_EQ(ErrorReason(plan.status()), "SPEC_INVALID");
  spec = SmallSpec("paper-table5", 32);
  EXPECT_EQ(ErrorReason(AnalysisPlan::Create(spec, at::Device(at::kXLA, 0)).status()),
            "DEVICE_UNSUPPORTED");
}

TEST(Analyzer, ShortenedSequencesAreAskedForWhereTheWholeDoesNotHoldThem) {
  Spec spec = SmallSpec("paper-table5", 32);
  EXPECT_FALSE((*AnalysisPlan::Create(spec, at::kCPU))->needs_shortened());
  EXPECT_TRUE((*AnalysisPlan::Create(spec, at::kCPU, false))->needs_shortened());
  spec.scale_sampling = ScaleSampling::kStride;
  EXPECT_TRUE((*AnalysisPlan::Create(spec, at::kCPU))->needs_shortened());
  spec.alphas.clear();
  EXPECT_FALSE((*AnalysisPlan::Create(spec, at::kCPU))->needs_shortened());
}

// Scores, and the attention that they become.
struct Scored {
  Scored(int64_t heads, int64_t tokens, bool causal_scores, uint64_t seed)
      : causal(causal_scores),
        scores(at::randn({heads, tokens, tokens}, at::detail::createCPUGenerator(seed)) * 5) {
    at::Tensor hidden = at::zeros({tokens, tokens}, at::kBool);
    if (causal) hidden = hidden.logical_not().triu(1);
    attention = (scores * 0.4F)
                    .masked_fill(hidden, -std::numeric_limits<double>::infinity())
                    .to(at::kDouble)
                    .softmax(-1)
                    .to(at::kFloat);
  }
  // Calls add(rows) tile by tile.
  template <typename Add>
  void Feed(int64_t tile, Add add) const {
    const int64_t tokens = scores.size(1);
    for (int64_t first = 0; first < tokens; first += tile) {
      const int64_t count = std::min(tile, tokens - first);
      const at::Tensor part =
          scores.narrow(1, first, count).narrow(2, 0, causal ? first + count : tokens).contiguous();
      SoftmaxArguments rows{};
      rows.scores = part.data_ptr<float>();
      rows.heads = static_cast<int>(part.size(0));
      rows.queries = static_cast<int>(count);
      rows.keys = static_cast<int>(part.size(2));
      rows.first_query = static_cast<int>(first);
      rows.scale = 0.4F;
      rows.causal = causal;
      add(rows);
    }
  }
  bool causal;
  at::Tensor scores, attention;
};

// Windows cut from scores are those of the attention that never was.
TEST(Analyzer, ScoresAreAsGoodAsAttention) {
  for (const auto& [causal, nulls, sampling] : {std::tuple{true, true, ScaleSampling::kStride},
                                                {true, true, ScaleSampling::kPrefix},
                                                {false, true, ScaleSampling::kStride},
                                                {true, false, ScaleSampling::kRandom}}) {
    Spec spec = SmallSpec("relative-window", 150);
    spec.scale_sampling = sampling;
    if (!nulls) spec.nulls.clear();
    const Scored whole(4, 150, causal, 1);
    const std::vector<Scored> shortened = {Scored(4, 75, causal, 2), Scored(4, 37, causal, 3)};
    auto plan = AnalysisPlan::Create(spec, at::kCPU, causal, true, Method::kTeams);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_TRUE((*plan)->takes_scores());
    for (int64_t tile : {150, 64, 7}) {
      LayerAnalyzer analyzer(*plan, 4);
      Feeding feeding;
      feeding.causal = causal;
      whole.Feed(tile, [&](const SoftmaxArguments& rows) { analyzer.Add(rows); });
      for (size_t alpha = 0; (*plan)->needs_shortened() && alpha < shortened.size(); ++alpha) {
        shortened[alpha].Feed(
            tile, [&](const SoftmaxArguments& rows) { analyzer.AddShortened(alpha, rows); });
        feeding.shortened.push_back(shortened[alpha].attention);
      }
      const at::Tensor records = analyzer.Finish();
      const at::Tensor expected = Analyze(spec, whole.attention, feeding);
      EXPECT_TRUE(at::allclose(records, expected, 2e-5, 1e-6, /*equal_nan=*/true))
          << (records - expected).abs().amax(0);
    }
  }
}

TEST(Analyzer, ScoresThatAreNotFiniteStayOnTheirHead) {
  Spec spec = SmallSpec("relative-window", 100);
  Scored scored(4, 100, true, 4);
  scored.scores[1][80][3] = std::numeric_limits<float>::quiet_NaN();
  scored.scores[2][20][3] = std::numeric_limits<float>::infinity();
  scored.scores[3][20][3] = -std::numeric_limits<float>::infinity();
  scored.scores[3][20][40] = std::numeric_limits<float>::quiet_NaN();  // in the future
  auto plan = AnalysisPlan::Create(spec, at::kCPU, true, true, Method::kTeams);
  LayerAnalyzer analyzer(*plan, 4);
  scored.Feed(30, [&](const SoftmaxArguments& rows) { analyzer.Add(rows); });
  scored.Feed(100, [&](const SoftmaxArguments& rows) {
    EXPECT_THROW(analyzer.Add(rows), c10::Error) << "a second time";
  });
  const at::Tensor records = analyzer.Finish();
  const int64_t column = NonFiniteColumn(spec);
  for (int64_t head = 0; head < 4; ++head) {
    const bool bad = head == 1 || head == 2;
    EXPECT_EQ(records[head][column].item<float>(), bad ? 1 : 0) << head;
    EXPECT_EQ(records[head][0].isnan().item<bool>(), bad) << head;
  }
}

TEST(TileQueries, StaysWithinBounds) {
  EXPECT_EQ(TileQueries(12, 112), 112);
  EXPECT_EQ(TileQueries(1 << 20, 1 << 20), 1);
  EXPECT_EQ(TileQueries(0, 0), 1);
  EXPECT_LE(TileQueries(32, 2048) * 32 * 2048, int64_t{1} << 18);
  EXPECT_EQ(TileQueries(32, 8192, at::Device(at::kCUDA, 0)) * 32 * 8192, int64_t{1} << 23);
}

// n x n float32 would be 268 MB a head and the analyzer's float64 copies several times that.
TEST(Analyzer, RelativeNeverHoldsASquareMatrix) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps freed memory";
#endif
  constexpr int64_t kTokens = 8192;
  Spec spec = SmallSpec("relative-window", kTokens);
  auto plan = AnalysisPlan::Create(spec, at::kCPU, true, true, Method::kTensors);
  ASSERT_TRUE(plan.ok()) << plan.status();
  LayerAnalyzer analyzer(*plan, 1);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  int64_t before = usage.ru_maxrss;
  constexpr int64_t kTile = 64;
  for (int64_t first = 0; first < kTokens; first += kTile) {
    at::Tensor tile = at::full({1, kTile, kTokens}, 1.0F / kTokens).tril(first);
    analyzer.Add(first, tile);
  }
  at::Tensor records = analyzer.Finish();
  EXPECT_FALSE(records[0][0].isnan().item<bool>());
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss - before, 64 << 10) << "KiB more at the peak";
}

}  // namespace
}  // namespace ondelette::engine
