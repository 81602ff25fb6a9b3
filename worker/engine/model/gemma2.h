// Gemma 2 (arXiv 2408.00118).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_GEMMA2_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_GEMMA2_H_

#include <memory>

#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Tensor names are those of Gemma2ForCausalLM ("model." before each) or of Gemma2Model. Of tied
// embeddings lm_head.weight will do.
absl::StatusOr<std::unique_ptr<Model>> LoadGemma2(std::shared_ptr<const Checkpoint> checkpoint,
                                                  const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_GEMMA2_H_
