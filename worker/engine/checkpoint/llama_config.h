// config.json of Llama (2, 3.1, 3.2) and of the networks that differ from it by a few fields.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_LLAMA_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_LLAMA_CONFIG_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' LlamaConfig, MistralConfig and Qwen2Config, version
// 5; 4 has rope_theta and rope_scaling where 5 has rope_parameters. Errors as ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseLlamaConfig(const nlohmann::json& object, absl::string_view file);
// Llama with a sliding window in every layer.
absl::StatusOr<ModelConfig> ParseMistralConfig(const nlohmann::json& object,
                                               absl::string_view file);
// Llama with biases on queries, keys and values, and windows in its upper layers if asked for.
absl::StatusOr<ModelConfig> ParseQwen2Config(const nlohmann::json& object, absl::string_view file);

// sliding_window: 4096 where it is absent, 0 (none) where it is null.
int64_t SlidingWindow(ConfigFields& fields);

// Windows by layer: `window` (0: none) where the type is sliding_attention, 0 where it is
// full_attention. layer_types from the config where it has them, else `otherwise`.
std::vector<int64_t> SlidingWindows(ConfigFields& fields, int64_t window,
                                    std::vector<std::string> otherwise);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_LLAMA_CONFIG_H_
