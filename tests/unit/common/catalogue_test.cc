#include "common/catalogue/catalogue.h"

#include <gtest/gtest.h>

#include "common/spec/columns.h"
#include "common/spec/spec.h"

namespace ondelette {
namespace {

TEST(Catalogue, KnowsEveryColumnOfEveryPreset) {
  for (const std::string& preset : PresetNames()) {
    for (const Column& column : Columns(*PresetSpec(preset))) {
      ColumnParts parts = ParseColumn(column.Label());
      ASSERT_NE(parts.metric, nullptr) << column.Label();
      EXPECT_EQ(parts.element, column.element);
    }
  }
}

TEST(Catalogue, TakesLabelsApart) {
  EXPECT_EQ(ParseColumn("scale_sensitivity_0.5").parameter, "0.5");
  EXPECT_EQ(ParseColumn("band_low_sink_dropped_key_shuffled").control,
            "_sink_dropped_key_shuffled");
  EXPECT_EQ(ParseColumn("wavelet_entropy[2]").element, 2);
  EXPECT_EQ(ParseColumn("spectral_entropy_normalised").metric->name(),
            "spectral_entropy_normalised");
  for (const char* label :
       {"", "nothing", "wavelet_entropy", "spectral_entropy[0]", "spectral_entropy_", "local_mass",
        "sink_mass_key_shuffled", "wavelet_entropy[-1]", "wavelet_entropy[1"}) {
    EXPECT_EQ(ParseColumn(label).metric, nullptr) << label;
  }
}

TEST(Catalogue, SaysEverythingOfEveryMetric) {
  for (const v1::MetricInfo& metric : MetricCatalogue()) {
    EXPECT_FALSE(metric.unit().empty() || metric.equation().empty() || metric.range().empty() ||
                 metric.meaning().empty() || metric.shape() == v1::SHAPE_UNSPECIFIED)
        << metric.name();
  }
}

}  // namespace
}  // namespace ondelette
