#include "common/spec/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/errors/errors.h"
#include "common/spec/columns.h"

namespace ondelette {
namespace {

using testing::HasSubstr;

TEST(Spec, EveryPresetIsValidAndSurvivesItsJson) {
  std::set<std::string> digests;
  for (const std::string& name : PresetNames()) {
    Spec spec = *PresetSpec(name);
    EXPECT_TRUE(ValidateSpec(spec).ok()) << name << ValidateSpec(spec);
    EXPECT_EQ(SpecToJson(*ParseSpec(SpecToJson(spec))), SpecToJson(spec));
    EXPECT_EQ(MatchingPreset(spec), name);
    digests.insert(SpecDigest(spec));
  }
  EXPECT_EQ(digests.size(), PresetNames().size());
}

TEST(Spec, OverridesTakeJsonOrABareWord) {
  Spec spec = *PresetSpec("paper-table5");
  EXPECT_TRUE(SetSpecField("tokens", "66", spec).ok());
  EXPECT_TRUE(SetSpecField("taper", "none", spec).ok());
  EXPECT_TRUE(SetSpecField("alphas", "[0.5]", spec).ok());
  EXPECT_TRUE(SetSpecField("fft_length", "256", spec).ok());
  EXPECT_TRUE(SetSpecField("nulls", "[]", spec).ok());
  EXPECT_EQ(spec.tokens, 66);
  EXPECT_EQ(spec.taper, Taper::kNone);
  EXPECT_EQ(spec.alphas, std::vector<double>{0.5});
  EXPECT_EQ(spec.FftPoints(), 256);
  EXPECT_EQ(MatchingPreset(spec), "");
}

TEST(Spec, EveryFaultNamesItsField) {
  struct Case {
    const char* json;
    const char* message;
  };
  const Case cases[] = {
      {"[]", "not a JSON object"},
      {"{", "not a JSON object"},
      {R"({"preset": "paper-table9"})", "paper-table9"},
      {R"({"colour": 1})", "colour"},
      {R"({"tokens": -1})", "tokens"},
      {R"({"tokens": 1e99})", "tokens"},
      {R"({"tokens": "many"})", "tokens"},
      {R"({"tokens": 65})", "tokens"},
      {R"({"signal": "columns"})", "rows, relative, received, last"},
      {R"({"preset": "paper-table5", "taper": "hann-centred"})", "taper"},
      {R"({"sink": "dropped"})", "sink"},
      {R"({"band_edges": [0.75, 0.25]})", "band_edges"},
      {R"({"band_edges": [0.25]})", "band_edges"},
      {R"({"level": 0})", "level"},
      {R"({"level": 99})", "level"},
      {R"({"wavelet": "haar"})", "wavelet"},
      {R"({"alphas": [0.5, 0.5]})", "alphas"},
      {R"({"alphas": [1.5]})", "alphas"},
      {R"({"alphas": [0.001]})", "alphas"},
      {R"({"alphas": [[]]})", "alphas"},
      {R"({"scale_compare": "level-cosine"})", "scale_compare"},
      {R"({"preset": "paper-table5", "fft_length": 64})", "fft_length"},
      {R"({"fft_length": "pow3"})", "fft_length"},
      {R"({"window_sizes": [1]})", "window_sizes"},
      {R"({"nulls": ["key-shuffled", "key-shuffled"]})", "nulls"},
      {R"({"a":[[[[[[[[[[1]]]]]]]]]]})", "not a JSON object"},
  };
  for (const Case& c : cases) {
    absl::Status status = ParseSpec(c.json).status();
    EXPECT_THAT(ErrorText(status), HasSubstr(c.message)) << c.json;
  }
}

TEST(Columns, NameTheFiguresOfTheSpec) {
  std::set<std::string> labels;
  for (const Column& column : Columns(*PresetSpec("paper-table5"))) labels.insert(column.Label());
  EXPECT_TRUE(labels.contains("scale_sensitivity_0.5"));
  EXPECT_TRUE(labels.contains("wavelet_entropy[4]"));
  EXPECT_FALSE(labels.contains("wavelet_entropy[5]"));
  EXPECT_TRUE(labels.contains("spectral_entropy_sink_dropped_key_shuffled"));
  EXPECT_EQ(labels.size(), Columns(*PresetSpec("paper-table5")).size());

  labels.clear();
  for (const Column& column : Columns(*PresetSpec("relative-window")))
    labels.insert(column.Label());
  EXPECT_TRUE(labels.contains("scale_distance_0.25"));
  EXPECT_TRUE(labels.contains("window_mass"));
  EXPECT_FALSE(labels.contains("reconstruction_error"));
  EXPECT_FALSE(labels.contains("spectral_entropy_sink_dropped"));
}

}  // namespace
}  // namespace ondelette
