// Configs as Llama, Mistral, Qwen 2 and Gemma 2 publish them, and what is refused in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/errors/errors.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::Each;
using testing::HasSubstr;

json Llama32() {
  return json::parse(R"({"architectures": ["LlamaForCausalLM"], "attention_bias": false,
    "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048, "intermediate_size": 8192,
    "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
    "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
    "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
    "vocab_size": 128256})");
}

json Mistral() {
  return json::parse(R"({"architectures": ["MistralForCausalLM"], "hidden_act": "silu",
    "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
    "model_type": "mistral", "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
    "sliding_window": 4096, "tie_word_embeddings": false, "vocab_size": 32000})");
}

json Qwen25() {
  return json::parse(R"({"architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu",
    "hidden_size": 896, "intermediate_size": 4864, "max_position_embeddings": 32768,
    "max_window_layers": 24, "model_type": "qwen2", "num_attention_heads": 14,
    "num_hidden_layers": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": true,
    "use_sliding_window": false, "vocab_size": 151936})");
}

json Gemma2() {
  return json::parse(R"({"architectures": ["Gemma2ForCausalLM"], "attention_bias": false,
    "attn_logit_softcapping": 50.0, "head_dim": 256, "hidden_act": "gelu_pytorch_tanh",
    "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 2304, "intermediate_size": 9216,
    "max_position_embeddings": 8192, "model_type": "gemma2", "num_attention_heads": 8,
    "num_hidden_layers": 26, "num_key_value_heads": 4, "query_pre_attn_scalar": 224,
    "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096,
    "vocab_size": 256000})");
}

absl::StatusOr<ModelConfig> Parse(const json& object) {
  return ParseModelConfig(object.dump(), "m/config.json");
}

json With(json object, const json& changes) {
  object.update(changes);
  return object;
}

json Without(json object, const char* field) {
  object.erase(field);
  return object;
}

TEST(LlamaConfig, ReadsLlama32) {
  absl::StatusOr<ModelConfig> config = Parse(Llama32());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, Architecture::kLlama);
  EXPECT_EQ(config->key_heads, 8);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->attention_scale, 0.125);
  EXPECT_EQ(config->rope_theta, 500000);
  EXPECT_EQ(config->rotary_dims, 64);
  EXPECT_EQ(config->rope_scaling.kind, RopeScaling::Kind::kLlama3);
  EXPECT_EQ(config->rope_scaling.factor, 32);
  EXPECT_EQ(config->rope_scaling.original_max_positions, 8192);
  EXPECT_FALSE(config->attention_bias || config->attention_output_bias || config->mlp_bias);
  EXPECT_TRUE(config->tie_embeddings);
  EXPECT_TRUE(config->sliding_windows.empty());
  EXPECT_EQ(config->stored_dtype, DType::kBF16);
}

TEST(LlamaConfig, ReadsTheRopeOfTransformers5) {
  json object = Without(Without(Llama32(), "rope_theta"), "rope_scaling");
  object["rope_parameters"] = {{"rope_type", "llama3"},
                               {"rope_theta", 123.0},
                               {"factor", 8},
                               {"low_freq_factor", 1},
                               {"high_freq_factor", 4}};
  absl::StatusOr<ModelConfig> config = Parse(object);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rope_theta, 123);
  EXPECT_EQ(config->rope_scaling.factor, 8);
  EXPECT_EQ(config->rope_scaling.original_max_positions, 131072);  // the network's own
}

TEST(LlamaConfig, HasTheDefaultsOfTransformers) {
  absl::StatusOr<ModelConfig> config = Parse({{"model_type", "llama"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->key_heads, 32);
  EXPECT_EQ(config->head_dim, 128);
  EXPECT_EQ(config->intermediate, 11008);
  EXPECT_EQ(config->rope_theta, 10000);
  EXPECT_EQ(config->rope_scaling.kind, RopeScaling::Kind::kNone);
}

TEST(LlamaConfig, MistralSlidesInEveryLayer) {
  EXPECT_THAT(Parse(Mistral())->sliding_windows, Each(4096));
  EXPECT_THAT(Parse(Without(Mistral(), "sliding_window"))->sliding_windows, Each(4096));
  EXPECT_THAT(Parse(With(Mistral(), {{"sliding_window", nullptr}}))->sliding_windows, Each(0));
  EXPECT_EQ(Parse(With(Mistral(), {{"num_key_value_heads", nullptr}}))->key_heads, 32);
  EXPECT_EQ(Parse(Without(Mistral(), "num_key_value_heads"))->key_heads, 8);
}

TEST(LlamaConfig, Qwen2SlidesInItsUpperLayersIfAsked) {
  absl::StatusOr<ModelConfig> config = Parse(Qwen25());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->attention_bias);
  EXPECT_FALSE(config->attention_output_bias);
  EXPECT_THAT(config->sliding_windows, Each(0));
  const json sliding = With(
      Qwen25(), {{"use_sliding_window", true}, {"sliding_window", 7}, {"max_window_layers", 22}});
  EXPECT_EQ(Parse(sliding)->sliding_windows[21], 0);
  EXPECT_EQ(Parse(sliding)->sliding_windows[22], 7);
  std::vector<std::string> types(24, "full_attention");
  types[3] = "sliding_attention";
  EXPECT_EQ(Parse(With(sliding, {{"layer_types", types}}))->sliding_windows[3], 7);
  EXPECT_EQ(Parse(With(sliding, {{"layer_types", types}}))->sliding_windows[23], 0);
}

TEST(LlamaConfig, Gemma2AlternatesAndCaps) {
  absl::StatusOr<ModelConfig> config = Parse(Gemma2());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->head_dim, 256);
  EXPECT_EQ(config->key_heads, 4);
  EXPECT_EQ(config->attention_scale, 1 / std::sqrt(224.0));
  EXPECT_EQ(config->attention_softcap, 50);
  EXPECT_EQ(config->hidden_activation, Activation::kGeluTanh);
  EXPECT_EQ(config->sliding_windows[0], 4096);
  EXPECT_EQ(config->sliding_windows[1], 0);
  EXPECT_EQ(Parse(With(Gemma2(), {{"attn_logit_softcapping", nullptr}}))->attention_softcap, 0);
}

struct Refusal {
  json object;
  const char* reason;
  const char* field;
};

TEST(LlamaConfig, NamesTheFieldItRefuses) {
  const json llama3 = Llama32()["rope_scaling"];
  auto rope = [&](const json& changes) {
    return With(Llama32(), {{"rope_scaling", With(llama3, changes)}});
  };
  const Refusal refusals[] = {
      {With(Llama32(), {{"num_key_value_heads", 5}}), "CONFIG_INVALID", "num_key_value_heads"},
      {With(Llama32(), {{"num_key_value_heads", 0}}), "CONFIG_INVALID", "num_key_value_heads"},
      {With(Llama32(), {{"head_dim", 63}}), "CONFIG_INVALID", "head_dim"},
      {With(Llama32(), {{"head_dim", nullptr}, {"hidden_size", 2047}}), "CONFIG_INVALID",
       "hidden_size"},
      {With(Llama32(), {{"hidden_act", "sine"}}), "CONFIG_INVALID", "hidden_act"},
      {With(Llama32(), {{"partial_rotary_factor", 0.5}}), "ARCHITECTURE_UNSUPPORTED",
       "partial_rotary_factor"},
      {rope({{"rope_type", "yarn"}}), "ARCHITECTURE_UNSUPPORTED", "yarn"},
      {rope({{"factor", 0.5}}), "CONFIG_INVALID", "factor"},
      {rope({{"factor", nullptr}}), "CONFIG_INVALID", "factor"},
      {rope({{"high_freq_factor", 1}}), "CONFIG_INVALID", "high_freq_factor"},
      {rope({{"original_max_position_embeddings", 0}}), "CONFIG_INVALID",
       "original_max_position_embeddings"},
      {With(Llama32(), {{"rope_scaling", "llama3"}}), "CONFIG_INVALID", "rope_scaling"},
      {With(Mistral(), {{"sliding_window", 0}}), "CONFIG_INVALID", "sliding_window"},
      {With(Qwen25(), {{"layer_types", {"full_attention"}}}), "CONFIG_INVALID", "layer_types"},
      {With(Qwen25(), {{"layer_types", "full_attention"}}), "CONFIG_INVALID", "layer_types"},
      {With(Qwen25(), {{"layer_types", std::vector<std::string>(24, "sliding_attention")}}),
       "CONFIG_INVALID", "layer_types"},
      {With(Gemma2(), {{"layer_types", std::vector<std::string>(26, "chunked")}}), "CONFIG_INVALID",
       "layer_types"},
      {With(Gemma2(), {{"query_pre_attn_scalar", 0}}), "CONFIG_INVALID", "query_pre_attn_scalar"},
      {With(Gemma2(), {{"use_bidirectional_attention", true}}), "ARCHITECTURE_UNSUPPORTED",
       "use_bidirectional_attention"},
  };
  for (const Refusal& refusal : refusals) {
    const absl::Status status = Parse(refusal.object).status();
    EXPECT_EQ(ErrorReason(status), refusal.reason) << refusal.field << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr(refusal.field));
    EXPECT_THAT(status.message(), HasSubstr("m/config.json"));
  }
}

}  // namespace
}  // namespace ondelette
