// The closed-form control patterns under every preset, against float64 goldens.
#include <gtest/gtest.h>

#include "records.h"
#include "worker/engine/analysis/shortened.h"

namespace ondelette::engine {
namespace {

class Controls : public testing::TestWithParam<Method> {};

TEST_P(Controls, EveryPresetAndPatternMeetsItsGoldens) {
  nlohmann::json goldens = ReadJson("tests/parity/controls.json");
  std::map<std::string, double> worst;
  size_t compared = 0;
  for (const std::string& preset : PresetNames()) {
    ASSERT_TRUE(goldens.contains(preset)) << preset;
    Spec spec = *PresetSpec(preset);
    spec.scale_sampling = ScaleSampling::kPrefix;
    ASSERT_EQ(goldens[preset]["tokens"], spec.tokens);
    for (const auto& [pattern, golden] : goldens[preset]["controls"].items()) {
      SCOPED_TRACE(preset + " / " + pattern);
      at::Tensor attention = Pattern(pattern, spec.tokens).to(at::kFloat).unsqueeze(0);
      Feeding feeding;
      feeding.method = GetParam();
      feeding.causal = pattern != "uniform";
      for (double alpha : feeding.causal ? std::vector<double>() : spec.alphas) {
        const int64_t tokens = ShortenedLength(alpha, spec.tokens);
        feeding.shortened.push_back(attention.narrow(1, 0, tokens).narrow(2, 0, tokens));
      }
      ExpectRecord(spec, Analyze(spec, attention, feeding)[0], golden, 1e-5, 1e-5, &worst);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 20U);
  for (const auto& [metric, share] : worst) {
    RecordProperty("worst_" + metric, std::to_string(share * 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Controls, kEveryMethod,
                         [](const auto& info) { return MethodName(info.param); });

// Attention exp(-lambda d) under the default spec: entropy rises and the low band falls with
// lambda. The figures are those of the definition, computed in float64 by numpy.
TEST(Exponentials, RiseInEntropyAndFallInLowBand) {
  Spec spec = *PresetSpec("relative-window");
  spec.scale_sampling = ScaleSampling::kPrefix;
  struct {
    double lambda, entropy, low;
  } expected[] = {{0.01, 0.1696, 1.0},
                  {0.1, 0.3648, 0.9989},
                  {0.3, 0.5902, 0.9757},
                  {1, 0.8827, 0.6815},
                  {3, 0.9966, 0.3060}};
  at::Tensor position = at::arange(0, spec.tokens, at::kDouble);
  at::Tensor distance = position.unsqueeze(1) - position;
  for (const auto& [lambda, entropy, low] : expected) {
    SCOPED_TRACE(lambda);
    at::Tensor weights = (distance * -lambda).exp().tril();
    at::Tensor attention = (weights / weights.sum(-1, true)).to(at::kFloat).unsqueeze(0);
    std::map<std::string, float> figures = Labelled(spec, Analyze(spec, attention)[0]);
    EXPECT_NEAR(figures["spectral_entropy_normalised"], entropy, 1e-4);
    EXPECT_NEAR(figures["band_low"], low, 1e-4);
  }
}

}  // namespace
}  // namespace ondelette::engine
