#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "common/errors/errors.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// As google/flan-t5-small has it.
json FlanSmall() {
  return json::parse(R"({"architectures": ["T5ForConditionalGeneration"], "d_ff": 1024, "d_kv": 64,
    "d_model": 512, "decoder_start_token_id": 0, "dropout_rate": 0.1, "eos_token_id": 1,
    "feed_forward_proj": "gated-gelu", "initializer_factor": 1.0, "is_encoder_decoder": true,
    "layer_norm_epsilon": 1e-06, "model_type": "t5", "n_positions": 512, "num_decoder_layers": 8,
    "num_heads": 6, "num_layers": 8, "output_past": true, "pad_token_id": 0,
    "relative_attention_max_distance": 128, "relative_attention_num_buckets": 32,
    "tie_word_embeddings": false, "transformers_version": "4.23.1", "use_cache": true,
    "vocab_size": 32128})");
}

absl::StatusOr<ModelConfig> Parse(const json& object) {
  return ParseModelConfig(object.dump(), "m/config.json");
}

TEST(T5Config, ReadsFlan) {
  absl::StatusOr<ModelConfig> config = Parse(FlanSmall());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, Architecture::kT5);
  EXPECT_EQ(config->layers, 8);
  EXPECT_EQ(config->decoder_layers, 8);
  EXPECT_EQ(config->hidden, 512);
  EXPECT_EQ(config->heads, 6);
  EXPECT_EQ(config->head_dim, 64);  // 6 heads of 64 are not 512
  EXPECT_EQ(config->intermediate, 1024);
  EXPECT_EQ(config->relative_buckets, 32);
  EXPECT_EQ(config->relative_max_distance, 128);
  EXPECT_EQ(config->attention_scale, 1);
  EXPECT_TRUE(config->gated_mlp);
  EXPECT_EQ(config->hidden_activation, Activation::kGeluTanh);
  EXPECT_EQ(config->decoder_start_token, 0);
  EXPECT_EQ(config->learned_positions, 0);
  EXPECT_FALSE(config->tie_embeddings);
}

// The values transformers.T5Config() has.
TEST(T5Config, AbsentAndNullFieldsHaveTransformersDefaults) {
  absl::StatusOr<ModelConfig> config =
      Parse({{"model_type", "t5"}, {"num_decoder_layers", nullptr}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->layers, 6);
  EXPECT_EQ(config->decoder_layers, 6);
  EXPECT_EQ(config->hidden, 512);
  EXPECT_EQ(config->heads, 8);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->intermediate, 2048);
  EXPECT_EQ(config->vocab, 32128);
  EXPECT_EQ(config->norm_epsilon, 1e-6);
  EXPECT_EQ(config->hidden_activation, Activation::kRelu);
  EXPECT_FALSE(config->gated_mlp);
  EXPECT_TRUE(config->tie_embeddings);
}

TEST(T5Config, CommonNamesWinOverItsOwn) {
  json object = FlanSmall();
  object["hidden_size"] = 96;
  object["num_attention_heads"] = 3;
  object["num_hidden_layers"] = 2;
  object["head_dim"] = 7;
  object.erase("num_decoder_layers");
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->hidden, 96);
  EXPECT_EQ(config->heads, 3);
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->decoder_layers, 2);
  EXPECT_EQ(config->head_dim, 7);
}

TEST(T5Config, TheFeedForwardNamesItsGateAndActivation) {
  struct Row {
    const char* text;
    bool gated;
    Activation activation;
  };
  for (const Row& row :
       {Row{"relu", false, Activation::kRelu}, Row{"gated-gelu", true, Activation::kGeluTanh},
        Row{"gelu", false, Activation::kGelu}, Row{"gated-silu", true, Activation::kSilu},
        Row{"gated-gelu_new", true, Activation::kGeluTanh}}) {
    json object = FlanSmall();
    object["feed_forward_proj"] = row.text;
    absl::StatusOr<ModelConfig> config = Parse(object);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->gated_mlp, row.gated) << row.text;
    EXPECT_EQ(config->hidden_activation, row.activation) << row.text;
  }
}

TEST(T5Config, TheDecoderStartsWithThePadTokenWhereNothingElseIsSaid) {
  json object = FlanSmall();
  object["pad_token_id"] = 7;
  EXPECT_EQ(Parse(object)->decoder_start_token, 0);
  object["decoder_start_token_id"] = nullptr;
  EXPECT_EQ(Parse(object)->decoder_start_token, 7);
  object["decoder_start_token_id"] = 32127;
  object["pad_token_id"] = -1;  // not needed then
  EXPECT_EQ(Parse(object)->decoder_start_token, 32127);
}

TEST(T5Config, AnEncoderAloneHasNoDecoderLayers) {
  json object = FlanSmall();
  object["architectures"] = {"T5EncoderModel"};
  object["is_encoder_decoder"] = false;
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->layers, 8);
  EXPECT_EQ(config->decoder_layers, 0);
}

TEST(T5Config, TheClassNamesTheArchitectureWhereModelTypeIsAbsent) {
  for (const char* name :
       {"T5ForConditionalGeneration", "T5Model", "T5EncoderModel", "T5WithLMHeadModel"}) {
    EXPECT_TRUE(Parse({{"architectures", {name}}}).ok()) << name;
  }
  EXPECT_EQ(ErrorReason(Parse({{"model_type", "mt5"}}).status()), "ARCHITECTURE_UNSUPPORTED");
}

struct BadField {
  const char* field;
  json value;
};

TEST(T5Config, NamesTheBadField) {
  const BadField kRows[] = {
      {"d_model", 0},
      {"d_kv", -64},
      {"d_kv", "64"},
      {"d_ff", 1ull << 40},
      {"num_layers", 0},
      {"num_decoder_layers", 1000000},
      {"num_heads", 0},
      {"vocab_size", 0},
      {"layer_norm_epsilon", "small"},
      {"feed_forward_proj", "gated"},
      {"feed_forward_proj", "silu-gelu"},
      {"feed_forward_proj", "gated-gelu-x"},
      {"feed_forward_proj", 3},
      {"relative_attention_num_buckets", 3},
      {"relative_attention_num_buckets", 1 << 20},
      {"relative_attention_max_distance", 16},
      {"relative_attention_max_distance", 0},
      {"decoder_start_token_id", 32128},
      {"decoder_start_token_id", -1},
      {"is_encoder_decoder", 1},
  };
  for (const BadField& row : kRows) {
    SCOPED_TRACE(std::string(row.field) + " = " + row.value.dump());
    json object = FlanSmall();
    object[row.field] = row.value;
    const absl::Status status = Parse(object).status();
    EXPECT_EQ(ErrorReason(status), "CONFIG_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr("m/config.json"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.field));
  }
}

}  // namespace
}  // namespace ondelette
