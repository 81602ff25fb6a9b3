// config.json of T5: t5, v1.1, flan-t5.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_T5_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_T5_CONFIG_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' T5Config, version 5 (4 has the same). The decoder's
// start token is decoder_start_token_id, or where that is absent pad_token_id, which T5 was trained
// with. An encoder alone (is_encoder_decoder false) has no decoder layers. Errors as
// ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseT5Config(const nlohmann::json& object, absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_T5_CONFIG_H_
