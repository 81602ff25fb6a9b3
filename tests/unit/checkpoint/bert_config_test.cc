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

// As sentence-transformers/all-MiniLM-L6-v2 has it (transformers 4).
json MiniLm() {
  return json::parse(R"({"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": false, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "hidden_size": 384, "initializer_range": 0.02, "intermediate_size": 1536,
    "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
    "num_attention_heads": 12, "num_hidden_layers": 6, "pad_token_id": 0,
    "position_embedding_type": "absolute", "transformers_version": "4.8.2",
    "type_vocab_size": 2, "use_cache": true, "vocab_size": 30522})");
}

absl::StatusOr<ModelConfig> Parse(const json& object) {
  return ParseModelConfig(object.dump(), "m/config.json");
}

TEST(BertConfig, ReadsAPublishedOne) {
  absl::StatusOr<ModelConfig> config = Parse(MiniLm());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, Architecture::kBert);
  EXPECT_EQ(config->layers, 6);
  EXPECT_EQ(config->hidden, 384);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->head_dim, 32);
  EXPECT_EQ(config->intermediate, 1536);
  EXPECT_EQ(config->learned_positions, 512);
  EXPECT_EQ(config->token_types, 2);
  EXPECT_EQ(config->norm_epsilon, 1e-12);
  EXPECT_EQ(config->hidden_activation, Activation::kGelu);
}

// The values transformers.BertConfig() has.
TEST(BertConfig, AbsentAndNullFieldsHaveTransformersDefaults) {
  absl::StatusOr<ModelConfig> config =
      Parse({{"model_type", "bert"}, {"position_embedding_type", nullptr}, {"dtype", "float16"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->layers, 12);
  EXPECT_EQ(config->hidden, 768);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->intermediate, 3072);
  EXPECT_EQ(config->vocab, 30522);
  EXPECT_EQ(config->learned_positions, 512);
  EXPECT_EQ(config->token_types, 2);
  EXPECT_EQ(config->norm_epsilon, 1e-12);
  EXPECT_EQ(config->stored_dtype, DType::kF16);
}

TEST(BertConfig, TheClassNamesTheArchitectureWhereModelTypeIsAbsent) {
  for (const char* name : {"BertModel", "BertForMaskedLM", "BertForPreTraining"}) {
    EXPECT_TRUE(Parse({{"architectures", {name}}}).ok()) << name;
  }
  for (const char* name : {"BertGenerationEncoder", "BertJapaneseModel"}) {
    EXPECT_EQ(ErrorReason(Parse({{"architectures", {name}}}).status()), "ARCHITECTURE_UNSUPPORTED")
        << name;
  }
}

struct BadField {
  const char* field;
  json value;
  const char* reason;
  const char* says;
};

TEST(BertConfig, NamesTheBadField) {
  const BadField kRows[] = {
      {"position_embedding_type", "relative_key", "ARCHITECTURE_UNSUPPORTED", "'relative_key'"},
      {"position_embedding_type", 1, "CONFIG_INVALID", "position_embedding_type"},
      {"is_decoder", true, "ARCHITECTURE_UNSUPPORTED", "'is_decoder'"},
      {"is_decoder", "no", "CONFIG_INVALID", "is_decoder"},
      {"hidden_size", 385, "CONFIG_INVALID", "hidden_size"},
      {"num_attention_heads", 0, "CONFIG_INVALID", "num_attention_heads"},
      {"max_position_embeddings", -512, "CONFIG_INVALID", "max_position_embeddings"},
      {"type_vocab_size", 0, "CONFIG_INVALID", "type_vocab_size"},
      {"type_vocab_size", 1 << 20, "CONFIG_INVALID", "type_vocab_size"},
      {"layer_norm_eps", 2, "CONFIG_INVALID", "layer_norm_eps"},
      {"hidden_act", "mish", "CONFIG_INVALID", "hidden_act"},
  };
  for (const BadField& row : kRows) {
    SCOPED_TRACE(std::string(row.field) + " = " + row.value.dump());
    json object = MiniLm();
    object[row.field] = row.value;
    const absl::Status status = Parse(object).status();
    EXPECT_EQ(ErrorReason(status), row.reason);
    EXPECT_EQ(ClassOf(status), ErrorClass::kDeterministic);
    EXPECT_THAT(std::string(status.message()), HasSubstr("m/config.json"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.says));
  }
}

}  // namespace
}  // namespace ondelette
