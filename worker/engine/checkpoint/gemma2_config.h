// config.json of Gemma 2.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_GEMMA2_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_GEMMA2_CONFIG_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' Gemma2Config, version 5. Errors as
// ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseGemma2Config(const nlohmann::json& object, absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_GEMMA2_CONFIG_H_
