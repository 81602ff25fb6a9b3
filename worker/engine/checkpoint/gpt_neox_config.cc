#include "worker/engine/checkpoint/gpt_neox_config.h"

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/config_parts.h"

namespace ondelette {
namespace {

using nlohmann::json;

// A version 4 config says some figures twice; transformers looks at the other name only.
void CheckAgrees(ConfigFields& fields, absl::string_view field, double used,
                 absl::string_view other) {
  if (fields.Has(field) && fields.Number(field, used, 0, kMaxTheta) != used) {
    fields.Refuse(field, absl::StrCat("transformers ignores it for GPT-NeoX and takes ", other,
                                      ", which gives ", used));
  }
}

absl::Status ReadRope(const json& object, absl::string_view file, ModelConfig& config) {
  absl::StatusOr<json> rope = RopeObject(object, file);
  if (!rope.ok()) return rope.status();
  if (absl::Status scaling = ReadRopeScaling(*rope, file, config); !scaling.ok()) return scaling;
  ConfigFields outer(object, file);
  ConfigFields inner(*rope, file);
  config.rope_theta =
      inner.Number("rope_theta", outer.Number("rotary_emb_base", 10000.0, kMinTheta, kMaxTheta),
                   kMinTheta, kMaxTheta);
  config.rotary_fraction =
      inner.Number("partial_rotary_factor", outer.Number("rotary_pct", 0.25, 0, 1), 0, 1);
  CheckAgrees(outer, "rope_theta", config.rope_theta, "rotary_emb_base");
  CheckAgrees(outer, "partial_rotary_factor", config.rotary_fraction, "rotary_pct");
  config.rotary_dims =
      static_cast<int64_t>(static_cast<double>(config.head_dim) * config.rotary_fraction);
  if ((config.rotary_dims + 1) / 2 * 2 > config.head_dim) {
    outer.Refuse("num_attention_heads",
                 absl::StrCat("heads of ", config.head_dim, " dimensions cannot turn by pairs"));
  }
  return inner.status().ok() ? outer.status() : inner.status();
}

}  // namespace

absl::StatusOr<ModelConfig> ParseGptNeoxConfig(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kGptNeox;
  config.layers = fields.Int("num_hidden_layers", 44, 1, kMaxLayers);
  config.hidden = fields.Int("hidden_size", 6144, 1, kMaxHidden);
  config.heads = fields.Int("num_attention_heads", 64, 1, kMaxHeads);
  config.intermediate = fields.Int("intermediate_size", 24576, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 50432, 1, kMaxVocab);
  config.max_positions = fields.Int("max_position_embeddings", 2048, 1, kMaxPositions);
  config.norm_epsilon = fields.Number("layer_norm_eps", 1e-5, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.parallel_residual = fields.Bool("use_parallel_residual", true);
  config.attention_bias = config.attention_output_bias = fields.Bool("attention_bias", true);
  config.tie_embeddings = fields.Bool("tie_word_embeddings", false);
  ReadStoredDType(fields, config);
  config.hidden_activation = ReadActivation(fields, "hidden_act", Activation::kGelu);
  ReadEvenHeads(fields, "hidden_size", config);
  if (!fields.status().ok()) return fields.status();
  if (absl::Status rope = ReadRope(object, file, config); !rope.ok()) return rope;
  return config;
}

}  // namespace ondelette
