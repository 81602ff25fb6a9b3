// config.json of BERT.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_BERT_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_BERT_CONFIG_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

// Names and defaults are those of transformers' BertConfig, version 5; 4 has position_embedding_type
// too, and other than "absolute" is not computed. Errors as ParseModelConfig's.
absl::StatusOr<ModelConfig> ParseBertConfig(const nlohmann::json& object, absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_BERT_CONFIG_H_
