#include "worker/engine/checkpoint/gpt2_config.h"

#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/config_parts.h"

namespace ondelette {

absl::StatusOr<ModelConfig> ParseGpt2Config(const nlohmann::json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kGpt2;
  config.layers = AliasedInt(fields, "num_hidden_layers", "n_layer", 12, 1, kMaxLayers);
  config.hidden = AliasedInt(fields, "hidden_size", "n_embd", 768, 1, kMaxHidden);
  config.heads = AliasedInt(fields, "num_attention_heads", "n_head", 12, 1, kMaxHeads);
  config.intermediate = fields.Int("n_inner", 4 * config.hidden, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 50257, 1, kMaxVocab);
  config.learned_positions = config.max_positions =
      AliasedInt(fields, "max_position_embeddings", "n_positions", 1024, 1, kMaxPositions);
  config.norm_epsilon = fields.Number("layer_norm_epsilon", 1e-5, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.hidden_activation = ReadActivation(fields, "activation_function", Activation::kGeluTanh);
  config.parallel_residual = false;
  config.tie_embeddings = fields.Bool("tie_word_embeddings", true);
  ReadStoredDType(fields, config);
  ReadEvenHeads(fields, fields.Has("hidden_size") ? "hidden_size" : "n_embd", config);
  if (!fields.Bool("scale_attn_weights", true)) config.attention_scale = 1;
  config.scale_by_layer = fields.Bool("scale_attn_by_inverse_layer_idx", false);
  if (!fields.status().ok()) return fields.status();
  return config;
}

}  // namespace ondelette
