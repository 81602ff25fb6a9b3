// config.json of GPT-NeoX, which every Pythia is.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT_NEOX_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT_NEOX_CONFIG_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' GPTNeoXConfig, version 5; 4 differs in where the
// rotary figures stand (rotary_pct, rotary_emb_base and rope_scaling, not rope_parameters) and in
// the name of the dtype. Errors as ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseGptNeoxConfig(const nlohmann::json& object,
                                               absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_GPT_NEOX_CONFIG_H_
