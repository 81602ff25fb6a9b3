#include "worker/engine/model/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

using ::testing::HasSubstr;

Spec Table5() { return *PresetSpec("paper-table5"); }

ModelConfig Network(int64_t layers, int64_t decoder_layers, int64_t learned_positions) {
  ModelConfig config;
  config.layers = layers;
  config.decoder_layers = decoder_layers;
  config.learned_positions = learned_positions;
  return config;
}

TEST(FitTest, EveryNetworkFitsThePresets) {
  for (const ModelConfig& config : {Network(3, 0, 0), Network(3, 2, 0), Network(3, 0, 112)}) {
    EXPECT_EQ(CheckSpecFitsModel(Table5(), config), absl::OkStatus());
    EXPECT_EQ(StackLayers(Table5(), config), 3);
  }
}

TEST(FitTest, OnlyEncoderDecodersHaveADecoderStack) {
  Spec spec = Table5();
  spec.stack = Stack::kDecoder;
  const ModelConfig both = Network(3, 2, 0);
  EXPECT_EQ(CheckSpecFitsModel(spec, both), absl::OkStatus());
  EXPECT_EQ(StackLayers(spec, both), 2);
  const absl::Status status = CheckSpecFitsModel(spec, Network(3, 0, 0));
  EXPECT_EQ(ErrorReason(status), "SPEC_MODEL_MISMATCH");
  EXPECT_EQ(ClassOf(status), ErrorClass::kDeterministic);
  EXPECT_THAT(status.message(), HasSubstr("'stack'"));
}

TEST(FitTest, OnlyLearnedPositionsCanBeZero) {
  Spec spec = Table5();
  spec.position_embeddings = PositionEmbeddings::kZero;
  EXPECT_EQ(CheckSpecFitsModel(spec, Network(3, 0, 8)), absl::OkStatus());
  const absl::Status status = CheckSpecFitsModel(spec, Network(3, 0, 0));
  EXPECT_EQ(ErrorReason(status), "SPEC_MODEL_MISMATCH");
  EXPECT_THAT(status.message(), HasSubstr("'position_embeddings'"));
}

TEST(FitTest, NoMoreTokensThanLearnedPositions) {
  const absl::Status status = CheckSpecFitsModel(Table5(), Network(3, 0, 111));
  EXPECT_EQ(ErrorReason(status), "SPEC_MODEL_MISMATCH");
  EXPECT_THAT(status.message(), HasSubstr("'tokens' is 112"));
  EXPECT_THAT(status.message(), HasSubstr("111 learned positions"));
}

TEST(FitTest, OneVariantAReading) {
  Spec other = Table5();
  other.tokens = 200;
  EXPECT_EQ(ModelVariant(Table5()), ModelVariant(other));
  other.stack = Stack::kDecoder;
  EXPECT_NE(ModelVariant(Table5()), ModelVariant(other));
  other = Table5();
  other.position_embeddings = PositionEmbeddings::kZero;
  EXPECT_NE(ModelVariant(Table5()), ModelVariant(other));
}

}  // namespace
}  // namespace ondelette::engine
