// Llama (2, 3.1, 3.2), Mistral and Qwen 2: one network. Mistral adds a sliding window, Qwen 2
// biases on queries, keys and values.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LLAMA_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LLAMA_H_

#include <memory>

#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Tensor names are those of LlamaForCausalLM ("model." before each) or of LlamaModel. Of tied
// embeddings lm_head.weight will do.
absl::StatusOr<std::unique_ptr<Model>> LoadLlama(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_LLAMA_H_
