#include "worker/engine/checkpoint/gemma2_config.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "worker/engine/checkpoint/config_parts.h"
#include "worker/engine/checkpoint/llama_config.h"

namespace ondelette {
namespace {

using nlohmann::json;

void ReadShape(ConfigFields& fields, ModelConfig& config) {
  config.layers = fields.Int("num_hidden_layers", 26, 1, kMaxLayers);
  config.hidden = fields.Int("hidden_size", 2304, 1, kMaxHidden);
  config.heads = fields.Int("num_attention_heads", 8, 1, kMaxHeads);
  config.intermediate = fields.Int("intermediate_size", 9216, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 256000, 1, kMaxVocab);
  config.max_positions = fields.Int("max_position_embeddings", 8192, 1, kMaxPositions);
  config.norm_epsilon = fields.Number("rms_norm_eps", 1e-6, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.tie_embeddings = fields.Bool("tie_word_embeddings", true);
  config.hidden_activation = ReadActivation(fields, "hidden_activation", Activation::kGeluTanh);
  ReadStoredDType(fields, config);
  ReadHeads(fields, 4, 256, config);
}

void ReadAttention(ConfigFields& fields, ModelConfig& config) {
  config.parallel_residual = config.mlp_bias = false;
  config.attention_bias = config.attention_output_bias = fields.Bool("attention_bias", false);
  const double scalar = fields.Number("query_pre_attn_scalar", 256, 1e-6, 1e9);
  config.attention_scale = 1 / std::sqrt(scalar);
  if (!fields.IsNull("attn_logit_softcapping")) {
    config.attention_softcap = fields.Number("attn_logit_softcapping", 50, 1e-6, 1e9);
  }
  std::vector<std::string> types;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    types.emplace_back(layer % 2 == 0 ? "sliding_attention" : "full_attention");
  }
  config.sliding_windows = SlidingWindows(fields, SlidingWindow(fields), std::move(types));
}

}  // namespace

absl::StatusOr<ModelConfig> ParseGemma2Config(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kGemma2;
  ReadShape(fields, config);
  ReadAttention(fields, config);
  if (fields.Bool("use_bidirectional_attention", false)) {
    return UnsupportedField(file, "use_bidirectional_attention", "is true: Gemma 2 is causal here");
  }
  if (!fields.status().ok()) return fields.status();
  if (absl::Status rope = ReadWholeHeadRope(object, file, config); !rope.ok()) return rope;
  return config;
}

}  // namespace ondelette
