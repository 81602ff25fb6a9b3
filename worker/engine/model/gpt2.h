// GPT-2.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_GPT2_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_GPT2_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Tensor names are those of GPT2LMHeadModel ("transformer." before each) or of GPT2Model. Of tied
// embeddings lm_head.weight will do. The buffers attn.bias and attn.masked_bias that old files hold,
// and a cross-attention, which has nothing to look at here, are not read. Of the spec,
// position_embeddings zero leaves the learned ones out, unread.
absl::StatusOr<std::unique_ptr<Model>> LoadGpt2(std::shared_ptr<const Checkpoint> checkpoint,
                                                const Spec& spec, const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_GPT2_H_
