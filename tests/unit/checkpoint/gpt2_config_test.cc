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

// As openai-community/gpt2 has it.
json Gpt2() {
  return json::parse(R"({"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1, "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256,
    "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024,
    "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1,
    "summary_activation": null, "summary_first_dropout": 0.1, "vocab_size": 50257})");
}

absl::StatusOr<ModelConfig> Parse(const json& object) {
  return ParseModelConfig(object.dump(), "m/config.json");
}

TEST(Gpt2Config, ReadsThePublishedOneAsItsDefaults) {
  for (const json& object : {Gpt2(), json{{"model_type", "gpt2"}, {"n_inner", nullptr}}}) {
    absl::StatusOr<ModelConfig> config = Parse(object);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->architecture, Architecture::kGpt2);
    EXPECT_EQ(ArchitectureName(config->architecture), "gpt2");
    EXPECT_EQ(config->layers, 12);
    EXPECT_EQ(config->hidden, 768);
    EXPECT_EQ(config->heads, 12);
    EXPECT_EQ(config->key_heads, 12);
    EXPECT_EQ(config->head_dim, 64);
    EXPECT_EQ(config->intermediate, 3072);
    EXPECT_EQ(config->vocab, 50257);
    EXPECT_EQ(config->learned_positions, 1024);
    EXPECT_EQ(config->max_positions, 1024);
    EXPECT_EQ(config->decoder_layers, 0);
    EXPECT_EQ(config->norm_epsilon, 1e-5);
    EXPECT_EQ(config->attention_scale, 0.125);
    EXPECT_FALSE(config->scale_by_layer);
    EXPECT_EQ(config->hidden_activation, Activation::kGeluTanh);
    EXPECT_TRUE(config->tie_embeddings);
  }
}

TEST(Gpt2Config, ReadsItsOptions) {
  json object = Gpt2();
  object["n_inner"] = 100;
  object["scale_attn_weights"] = false;
  object["scale_attn_by_inverse_layer_idx"] = true;
  object["activation_function"] = "relu";
  object["dtype"] = "bfloat16";
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->intermediate, 100);
  EXPECT_EQ(config->attention_scale, 1);
  EXPECT_TRUE(config->scale_by_layer);
  EXPECT_EQ(config->hidden_activation, Activation::kRelu);
  EXPECT_EQ(config->stored_dtype, DType::kBF16);
}

// GPT2Config's attribute_map: of both, transformers takes the common name.
TEST(Gpt2Config, CommonNamesWinOverItsOwn) {
  json object = Gpt2();
  object["hidden_size"] = 96;
  object["num_attention_heads"] = 3;
  object["num_hidden_layers"] = 2;
  object["max_position_embeddings"] = 77;
  object["intermediate_size"] = 5;  // not one of them
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->hidden, 96);
  EXPECT_EQ(config->heads, 3);
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->learned_positions, 77);
  EXPECT_EQ(config->intermediate, 384);
}

TEST(Gpt2Config, TheClassNamesTheArchitectureWhereModelTypeIsAbsent) {
  for (const char* name :
       {"GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel", "GPT2ForSequenceClassification"}) {
    EXPECT_TRUE(Parse({{"architectures", {name}}}).ok()) << name;
  }
  EXPECT_EQ(ErrorReason(Parse({{"architectures", {"GPT2CodeModel"}}}).status()),
            "ARCHITECTURE_UNSUPPORTED");
}

struct BadField {
  const char* field;
  json value;
  const char* says;
};

TEST(Gpt2Config, NamesTheBadField) {
  const BadField kRows[] = {
      {"n_embd", 770, "'n_embd' is 770"},
      {"n_embd", 0, "n_embd"},
      {"n_head", 1e9, "n_head"},
      {"n_head", -1, "n_head"},
      {"n_layer", "12", "n_layer"},
      {"n_positions", 0, "n_positions"},
      {"n_positions", 1ull << 40, "n_positions"},
      {"n_inner", 0, "n_inner"},
      {"hidden_size", 770, "'hidden_size' is 770"},
      {"num_hidden_layers", 0, "num_hidden_layers"},
      {"vocab_size", 1ull << 63, "vocab_size"},
      {"layer_norm_epsilon", -1, "layer_norm_epsilon"},
      {"activation_function", "mish", "quick_gelu"},
      {"scale_attn_weights", 1, "scale_attn_weights"},
      {"scale_attn_by_inverse_layer_idx", "yes", "scale_attn_by_inverse_layer_idx"},
  };
  for (const BadField& row : kRows) {
    SCOPED_TRACE(std::string(row.field) + " = " + row.value.dump());
    json object = Gpt2();
    object[row.field] = row.value;
    const absl::Status status = Parse(object).status();
    EXPECT_EQ(ErrorReason(status), "CONFIG_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr("m/config.json"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.says));
  }
}

}  // namespace
}  // namespace ondelette
