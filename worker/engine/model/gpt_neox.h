// GPT-NeoX: every Pythia, GPT-NeoX-20B, Dolly v2, StableLM-alpha.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_GPT_NEOX_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_GPT_NEOX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Tensor names are those of GPTNeoXForCausalLM ("gpt_neox." before each) or of GPTNeoXModel. The
// buffers attention.bias, masked_bias and rotary_emb.inv_freq that old files hold are not read.
absl::StatusOr<std::unique_ptr<Model>> LoadGptNeox(std::shared_ptr<const Checkpoint> checkpoint,
                                                   const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_GPT_NEOX_H_
