#include "worker/engine/checkpoint/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/errors/errors.h"
#include "tests/unit/checkpoint/builders.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// A config of Pythia-160M as its repository has it (transformers 4).
json Pythia() {
  return json::parse(R"({
    "architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0,
    "hidden_act": "gelu", "hidden_size": 768, "initializer_range": 0.02,
    "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
    "model_type": "gpt_neox", "num_attention_heads": 12, "num_hidden_layers": 12,
    "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
    "torch_dtype": "float16", "transformers_version": "4.24.0", "use_cache": true,
    "use_parallel_residual": true, "vocab_size": 50304})");
}

absl::StatusOr<ModelConfig> Parse(const json& object) {
  return ParseModelConfig(object.dump(), "m/config.json");
}

TEST(ModelConfig, ReadsPythiaOfTransformers4) {
  absl::StatusOr<ModelConfig> config = Parse(Pythia());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, Architecture::kGptNeox);
  EXPECT_EQ(config->layers, 12);
  EXPECT_EQ(config->hidden, 768);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->intermediate, 3072);
  EXPECT_EQ(config->vocab, 50304);
  EXPECT_EQ(config->max_positions, 2048);
  EXPECT_EQ(config->rotary_fraction, 0.25);
  EXPECT_EQ(config->rotary_dims, 16);
  EXPECT_EQ(config->rope_theta, 10000);
  EXPECT_EQ(config->norm_epsilon, 1e-5);
  EXPECT_EQ(config->hidden_activation, Activation::kGelu);
  EXPECT_TRUE(config->parallel_residual);
  EXPECT_TRUE(config->attention_bias);
  EXPECT_FALSE(config->tie_embeddings);
  EXPECT_EQ(config->initializer_range, 0.02);
  EXPECT_EQ(config->stored_dtype, DType::kF16);
}

TEST(ModelConfig, ReadsTheNamesOfTransformers5) {
  json object = Pythia();
  for (const char* old : {"rotary_emb_base", "rotary_pct", "torch_dtype"}) object.erase(old);
  object["dtype"] = "bfloat16";
  object["rope_parameters"] = {
      {"rope_theta", 500.0}, {"rope_type", "default"}, {"partial_rotary_factor", 1.0}};
  object["attention_bias"] = false;
  object["use_parallel_residual"] = false;
  object["hidden_act"] = "gelu_new";
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rope_theta, 500);
  EXPECT_EQ(config->rotary_fraction, 1);
  EXPECT_EQ(config->rotary_dims, 64);
  EXPECT_EQ(config->stored_dtype, DType::kBF16);
  EXPECT_FALSE(config->attention_bias);
  EXPECT_FALSE(config->parallel_residual);
  EXPECT_EQ(config->hidden_activation, Activation::kGeluTanh);
}

// The values transformers.GPTNeoXConfig() has.
TEST(ModelConfig, AbsentAndNullFieldsHaveTransformersDefaults) {
  absl::StatusOr<ModelConfig> config =
      Parse({{"model_type", "gpt_neox"}, {"rope_scaling", nullptr}, {"hidden_size", nullptr}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->layers, 44);
  EXPECT_EQ(config->hidden, 6144);
  EXPECT_EQ(config->heads, 64);
  EXPECT_EQ(config->intermediate, 24576);
  EXPECT_EQ(config->vocab, 50432);
  EXPECT_EQ(config->max_positions, 2048);
  EXPECT_EQ(config->rotary_fraction, 0.25);
  EXPECT_EQ(config->rope_theta, 10000);
  EXPECT_TRUE(config->parallel_residual);
  EXPECT_TRUE(config->attention_bias);
  EXPECT_FALSE(config->stored_dtype.has_value());
}

TEST(ModelConfig, TheClassNamesTheArchitectureWhereModelTypeIsAbsent) {
  for (const char* name : {"GPTNeoXForCausalLM", "GPTNeoXModel"}) {
    EXPECT_TRUE(Parse({{"architectures", {name}}}).ok()) << name;
  }
  EXPECT_EQ(ErrorReason(Parse({{"architectures", {"GPTNeoXJapaneseForCausalLM"}}}).status()),
            "ARCHITECTURE_UNSUPPORTED");
}

TEST(ModelConfig, RotaryFiguresStandWhereTransformersLooks) {
  json object = Pythia();
  object["rope_theta"] = 10000;  // version 4 also writes it so
  object["partial_rotary_factor"] = 0.25;
  EXPECT_TRUE(Parse(object).ok()) << Parse(object).status();
  object["rope_scaling"] = {{"type", "default"}, {"rope_theta", 10000}};
  EXPECT_TRUE(Parse(object).ok()) << Parse(object).status();
  object["rotary_pct"] = 0;
  object["partial_rotary_factor"] = nullptr;
  EXPECT_EQ(Parse(object)->rotary_dims, 0);
}

struct BadField {
  const char* field;
  json value;
  const char* reason;
  const char* says;
};

TEST(ModelConfig, NamesTheBadField) {
  const BadField kRows[] = {
      {"model_type", "mamba", "ARCHITECTURE_UNSUPPORTED", "'mamba'"},
      {"model_type", 3, "CONFIG_INVALID", "model_type"},
      {"hidden_size", 770, "CONFIG_INVALID", "hidden_size"},
      {"hidden_size", -768, "CONFIG_INVALID", "hidden_size"},
      {"hidden_size", 0, "CONFIG_INVALID", "hidden_size"},
      {"hidden_size", "768", "CONFIG_INVALID", "hidden_size"},
      {"hidden_size", 768.5, "CONFIG_INVALID", "hidden_size"},
      {"hidden_size", 1ull << 63, "CONFIG_INVALID", "hidden_size"},
      {"num_attention_heads", 0, "CONFIG_INVALID", "num_attention_heads"},
      {"num_attention_heads", 1e9, "CONFIG_INVALID", "num_attention_heads"},
      {"num_hidden_layers", 1000000, "CONFIG_INVALID", "num_hidden_layers"},
      {"vocab_size", 0, "CONFIG_INVALID", "vocab_size"},
      {"rotary_pct", 1.5, "CONFIG_INVALID", "rotary_pct"},
      {"rotary_emb_base", 0, "CONFIG_INVALID", "rotary_emb_base"},
      {"rope_theta", 500, "CONFIG_INVALID", "rope_theta"},
      {"layer_norm_eps", -1e-5, "CONFIG_INVALID", "layer_norm_eps"},
      {"hidden_act", "swiglu", "CONFIG_INVALID", "quick_gelu"},
      {"use_parallel_residual", 1, "CONFIG_INVALID", "use_parallel_residual"},
      {"rope_scaling", "linear", "CONFIG_INVALID", "rope_scaling"},
      {"rope_scaling",
       {{"type", "dynamic"}, {"factor", 2}},
       "ARCHITECTURE_UNSUPPORTED",
       "'dynamic'"},
      {"rope_parameters", {{"rope_type", "yarn"}}, "ARCHITECTURE_UNSUPPORTED", "'yarn'"},
      {"rope_parameters",
       {{"full_attention", {{"rope_type", "default"}}}},
       "ARCHITECTURE_UNSUPPORTED",
       "full_attention"},
  };
  for (const BadField& row : kRows) {
    SCOPED_TRACE(std::string(row.field) + " = " + row.value.dump());
    json object = Pythia();
    object[row.field] = row.value;
    absl::Status status = Parse(object).status();
    EXPECT_EQ(ErrorReason(status), row.reason);
    EXPECT_THAT(std::string(status.message()), HasSubstr("m/config.json"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.says));
    EXPECT_EQ(ClassOf(status), ErrorClass::kDeterministic);
  }
  absl::Status unknown = Parse({{"model_type", "mamba"}}).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(ErrorRemedy(unknown), HasSubstr("gpt_neox"));
}

TEST(ModelConfig, HeadsOfAnOddSizeCannotTurnWhole) {
  json object = Pythia();
  object["hidden_size"] = 15;
  object["num_attention_heads"] = 5;
  object["rotary_pct"] = 1;
  EXPECT_EQ(ErrorReason(Parse(object).status()), "CONFIG_INVALID");
  object["hidden_size"] = 60;
  object["rotary_pct"] = 0.25;  // 3 of 12: as transformers, frequencies of 3, 4 turn
  EXPECT_EQ(Parse(object)->rotary_dims, 3);
}

}  // namespace
}  // namespace ondelette
