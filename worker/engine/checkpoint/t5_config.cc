#include "worker/engine/checkpoint/t5_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/config_parts.h"

namespace ondelette {
namespace {

constexpr int64_t kMaxBuckets = 1 << 16;

void ReadShape(ConfigFields& fields, ModelConfig& config) {
  config.layers = AliasedInt(fields, "num_hidden_layers", "num_layers", 6, 1, kMaxLayers);
  config.hidden = AliasedInt(fields, "hidden_size", "d_model", 512, 1, kMaxHidden);
  config.heads = AliasedInt(fields, "num_attention_heads", "num_heads", 8, 1, kMaxHeads);
  config.key_heads = config.heads;
  config.head_dim = AliasedInt(fields, "head_dim", "d_kv", 64, 1, kMaxHidden);
  config.intermediate = fields.Int("d_ff", 2048, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 32128, 1, kMaxVocab);
  config.norm_epsilon = fields.Number("layer_norm_epsilon", 1e-6, 0, 1);
  config.parallel_residual = false;
  config.attention_bias = config.attention_output_bias = config.mlp_bias = false;
  config.tie_embeddings = fields.Bool("tie_word_embeddings", true);
}

// ACTIVATION or gated-ACTIVATION. gated-gelu means gelu_new, gelu alone does not.
void ReadFeedForward(ConfigFields& fields, ModelConfig& config) {
  const std::string text = fields.Text("feed_forward_proj", "relu");
  absl::string_view name = text;
  config.gated_mlp = absl::ConsumePrefix(&name, "gated-");
  if (config.gated_mlp && name == "gelu") name = "gelu_new";
  config.hidden_activation = ActivationNamed(name, fields, "feed_forward_proj", Activation::kRelu);
}

void ReadRelativeBias(ConfigFields& fields, ModelConfig& config) {
  constexpr char kDistance[] = "relative_attention_max_distance";
  config.relative_buckets = fields.Int("relative_attention_num_buckets", 32, 4, kMaxBuckets);
  config.relative_max_distance = fields.Int(kDistance, 128, 1, kMaxPositions);
  if (config.relative_max_distance <= config.relative_buckets / 2) {
    fields.Refuse(kDistance,
                  absl::StrCat("it is not above half of relative_attention_num_buckets, ",
                               config.relative_buckets));
  }
}

void ReadDecoder(ConfigFields& fields, ModelConfig& config) {
  constexpr char kStart[] = "decoder_start_token_id";
  if (!fields.Bool("is_encoder_decoder", true)) return;
  config.decoder_layers = fields.Int("num_decoder_layers", config.layers, 1, kMaxLayers);
  config.decoder_start_token =
      fields.Int(fields.Has(kStart) ? kStart : "pad_token_id", 0, 0, config.vocab - 1);
}

}  // namespace

absl::StatusOr<ModelConfig> ParseT5Config(const nlohmann::json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kT5;
  ReadShape(fields, config);
  ReadFeedForward(fields, config);
  ReadRelativeBias(fields, config);
  ReadDecoder(fields, config);
  ReadStoredDType(fields, config);
  if (!fields.status().ok()) return fields.status();
  return config;
}

}  // namespace ondelette
