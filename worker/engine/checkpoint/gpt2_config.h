// config.json of GPT-2.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT2_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT2_CONFIG_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' GPT2Config, version 5 (4 has the same): n_embd, n_layer,
// n_head and n_positions, or the common names that transformers takes for them. Errors as
// ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseGpt2Config(const nlohmann::json& object, absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT2_CONFIG_H_
