#include "worker/engine/checkpoint/llama_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/config_parts.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr char kSliding[] = "sliding_attention", kFull[] = "full_attention";

// The figures in which a published family differs where its config leaves them out.
struct Defaults {
  Architecture architecture;
  int64_t vocab, intermediate, key_heads, max_positions;
};

void ReadShape(ConfigFields& fields, const Defaults& defaults, ModelConfig& config) {
  config.architecture = defaults.architecture;
  config.layers = fields.Int("num_hidden_layers", 32, 1, kMaxLayers);
  config.hidden = fields.Int("hidden_size", 4096, 1, kMaxHidden);
  config.heads = fields.Int("num_attention_heads", 32, 1, kMaxHeads);
  config.intermediate = fields.Int("intermediate_size", defaults.intermediate, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", defaults.vocab, 1, kMaxVocab);
  config.max_positions =
      fields.Int("max_position_embeddings", defaults.max_positions, 1, kMaxPositions);
  config.norm_epsilon = fields.Number("rms_norm_eps", 1e-6, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.tie_embeddings = fields.Bool("tie_word_embeddings", false);
  config.hidden_activation = ReadActivation(fields, "hidden_act", Activation::kSilu);
  config.parallel_residual = false;
  config.attention_bias = config.attention_output_bias = config.mlp_bias = false;
  ReadStoredDType(fields, config);
  // A null is what an absent field is to Llama and Qwen 2; in Mistral's, as many as there are heads.
  const int64_t key_heads = fields.IsNull("num_key_value_heads") ? 0 : defaults.key_heads;
  ReadHeads(fields, key_heads, 0, config);
}

absl::StatusOr<ModelConfig> Finish(const json& object, absl::string_view file,
                                   const ConfigFields& fields, ModelConfig config) {
  if (!fields.status().ok()) return fields.status();
  if (absl::Status rope = ReadWholeHeadRope(object, file, config); !rope.ok()) return rope;
  return config;
}

}  // namespace

int64_t SlidingWindow(ConfigFields& fields) {
  if (fields.IsNull("sliding_window")) return 0;
  return fields.Int("sliding_window", 4096, 1, kMaxPositions);
}

std::vector<int64_t> SlidingWindows(ConfigFields& fields, int64_t window,
                                    std::vector<std::string> otherwise) {
  std::vector<std::string> types = fields.TextList("layer_types");
  if (types.empty()) {
    types = std::move(otherwise);
  } else if (types.size() != otherwise.size()) {
    fields.Refuse("layer_types",
                  absl::StrCat("it takes one word for each of ", otherwise.size(), " layers"));
  }
  std::vector<int64_t> windows;
  for (const std::string& type : types) {
    if (type != kSliding && type != kFull) {
      fields.Refuse("layer_types", absl::StrCat("it takes ", kSliding, " and ", kFull));
    }
    if (type == kSliding && window == 0) {
      fields.Refuse("layer_types", "a layer slides, and the config has no sliding window in use");
    }
    windows.push_back(type == kSliding ? window : 0);
  }
  return windows;
}

absl::StatusOr<ModelConfig> ParseLlamaConfig(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  ReadShape(fields, {Architecture::kLlama, 32000, 11008, 0, 2048}, config);
  config.attention_bias = config.attention_output_bias = fields.Bool("attention_bias", false);
  config.mlp_bias = fields.Bool("mlp_bias", false);
  return Finish(object, file, fields, std::move(config));
}

absl::StatusOr<ModelConfig> ParseMistralConfig(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  ReadShape(fields, {Architecture::kMistral, 32000, 14336, 8, 131072}, config);
  config.sliding_windows.assign(static_cast<size_t>(config.layers), SlidingWindow(fields));
  return Finish(object, file, fields, std::move(config));
}

absl::StatusOr<ModelConfig> ParseQwen2Config(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  ReadShape(fields, {Architecture::kQwen2, 151936, 22016, 32, 32768}, config);
  config.attention_bias = true;
  const int64_t window = fields.Bool("use_sliding_window", false) ? SlidingWindow(fields) : 0;
  const int64_t first = fields.Int("max_window_layers", 28, 0, kMaxLayers);
  std::vector<std::string> types;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    types.emplace_back(window != 0 && layer >= first ? kSliding : kFull);
  }
  config.sliding_windows = SlidingWindows(fields, window, std::move(types));
  return Finish(object, file, fields, std::move(config));
}

}  // namespace ondelette
