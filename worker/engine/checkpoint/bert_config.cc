#include "worker/engine/checkpoint/bert_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/config_parts.h"

namespace ondelette {
namespace {

constexpr int64_t kMaxTokenTypes = 1 << 16;

absl::Status CheckVariant(ConfigFields& fields, absl::string_view file) {
  const std::string positions = fields.Text("position_embedding_type", "absolute");
  const bool decoder = fields.Bool("is_decoder", false);
  if (!fields.status().ok()) return fields.status();
  if (positions != "absolute") {
    return UnsupportedField(file, "position_embedding_type",
                            absl::StrCat("is '", positions, "': absolute is computed"));
  }
  if (decoder) return UnsupportedField(file, "is_decoder", "is true: BERT sees both ways here");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelConfig> ParseBertConfig(const nlohmann::json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kBert;
  config.layers = fields.Int("num_hidden_layers", 12, 1, kMaxLayers);
  config.hidden = fields.Int("hidden_size", 768, 1, kMaxHidden);
  config.heads = fields.Int("num_attention_heads", 12, 1, kMaxHeads);
  config.intermediate = fields.Int("intermediate_size", 3072, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 30522, 1, kMaxVocab);
  config.learned_positions = config.max_positions =
      fields.Int("max_position_embeddings", 512, 1, kMaxPositions);
  config.token_types = fields.Int("type_vocab_size", 2, 1, kMaxTokenTypes);
  config.norm_epsilon = fields.Number("layer_norm_eps", 1e-12, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.hidden_activation = ReadActivation(fields, "hidden_act", Activation::kGelu);
  config.parallel_residual = false;
  config.tie_embeddings = fields.Bool("tie_word_embeddings", true);
  ReadStoredDType(fields, config);
  ReadEvenHeads(fields, "hidden_size", config);
  if (absl::Status variant = CheckVariant(fields, file); !variant.ok()) return variant;
  return config;
}

}  // namespace ondelette
