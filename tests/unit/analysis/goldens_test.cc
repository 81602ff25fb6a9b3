// Arbitrary attention under specs that use every value of every field, against the float64 oracle
// of tests/parity.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "common/spec/columns.h"
#include "records.h"
#include "worker/engine/checkpoint/weight_file.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

Spec SpecOf(const json& golden) {
  json object = golden["set"];
  object["preset"] = golden["spec"];
  absl::StatusOr<Spec> spec = ParseSpec(object.dump());
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.ok() ? *spec : Spec{};
}

class Goldens : public testing::TestWithParam<Method> {
 protected:
  void SetUp() override {
    auto file =
        OpenSafetensors(ONDELETTE_SOURCE_DIR "/tests/parity/attention/attention.safetensors");
    ASSERT_TRUE(file.ok()) << file.status();
    attention_ = std::move(*file);
    cases_ = ReadJson("tests/parity/attention/cases.json");
  }

  at::Tensor Attention(const std::string& name) {
    const TensorView* view = attention_->Find(name);
    if (view == nullptr) {
      ADD_FAILURE() << "no tensor " << name;
      return {};
    }
    at::Tensor copy = at::empty(view->shape, at::kFloat);
    EXPECT_EQ(view->bytes.size(), copy.nbytes());
    std::memcpy(copy.data_ptr(), view->bytes.data(), copy.nbytes());
    return copy;
  }

  Feeding FeedingOf(const json& golden, const Spec& spec) {
    Feeding feeding;
    feeding.causal = golden["causal"];
    feeding.method = GetParam();
    if (golden["shortened"].empty()) return feeding;
    for (double alpha : spec.alphas) {
      feeding.shortened.push_back(Attention(golden["shortened"][NumberInName(alpha)]));
    }
    return feeding;
  }

  // A spec that reads the shortened attention off the whole, as the golden does.
  static Spec AsGiven(Spec spec, const json& golden) {
    if (golden["shortened"].empty()) spec.scale_sampling = ScaleSampling::kPrefix;
    return spec;
  }

  std::unique_ptr<WeightFile> attention_;
  json cases_;
};

TEST_P(Goldens, EveryCaseMeetsTheOracle) {
  ASSERT_GE(cases_.size(), 40U);
  std::map<std::string, double> worst;
  for (const json& golden : cases_) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    Spec spec = AsGiven(SpecOf(golden), golden);
    at::Tensor attention = Attention(golden["attention"]);
    at::Tensor records = Analyze(spec, attention, FeedingOf(golden, spec));
    ASSERT_EQ(records.size(0), static_cast<int64_t>(golden["heads"].size()));
    for (int64_t head = 0; head < records.size(0); ++head) {
      SCOPED_TRACE(head);
      ExpectRecord(spec, records[head], golden["heads"][head], 2e-4, 1e-5, &worst);
    }
  }
  for (const auto& [metric, share] : worst) {
    RecordProperty("worst_" + metric, std::to_string(share));
  }
}

// Whatever the tile, also one that cuts off query 0, the same figures to float32 rounding.
TEST_P(Goldens, TheTileMakesNoDifference) {
  for (const json& golden : cases_) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    Spec spec = AsGiven(SpecOf(golden), golden);
    at::Tensor attention = Attention(golden["attention"]);
    Feeding feeding = FeedingOf(golden, spec);
    at::Tensor whole = Analyze(spec, attention, feeding);
    for (int64_t tile : {1, 7, 64}) {
      feeding.tile = tile;
      at::Tensor tiled = Analyze(spec, attention, feeding);
      EXPECT_TRUE(at::allclose(whole, tiled, 1e-6, 1e-7, /*equal_nan=*/true))
          << tile << "\n"
          << (whole - tiled).abs();
    }
  }
}

TEST_P(Goldens, ShuffledPositionalEntropyOfRowsIsTheUnshuffledOne) {
  Spec spec = *PresetSpec("paper-table5");
  spec.tokens = 112;
  Feeding feeding;
  feeding.method = GetParam();
  at::Tensor records = Analyze(spec, Attention("sink"), feeding);
  for (int64_t head = 0; head < records.size(0); ++head) {
    std::map<std::string, float> figures = Labelled(spec, records[head]);
    EXPECT_FLOAT_EQ(figures["positional_entropy_key_shuffled"], figures["positional_entropy"]);
    EXPECT_FLOAT_EQ(figures["positional_entropy_sink_dropped_key_shuffled"],
                    figures["positional_entropy_sink_dropped"]);
    EXPECT_NE(figures["spectral_entropy_key_shuffled"], figures["spectral_entropy"]);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Goldens, kEveryMethod,
                         [](const auto& info) { return MethodName(info.param); });

}  // namespace
}  // namespace ondelette::engine
