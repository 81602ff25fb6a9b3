// T5 (arXiv 1910.10683), its version 1.1 and flan-T5.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_T5_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_T5_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// The spec chooses the stack. The decoder's Embed runs the whole encoder; what the decoder itself reads
// are the same tokens shifted right behind the start token. An encoder needs no decoder in the file.
//
// Tensor names are those of T5ForConditionalGeneration, T5Model and T5EncoderModel, or, with
// "transformer." before each, of the classifiers. Embeddings that several names share may stand under
// any of them, of tied ones under lm_head.weight too.
absl::StatusOr<std::unique_ptr<Model>> LoadT5(std::shared_ptr<const Checkpoint> checkpoint,
                                              const Spec& spec, const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_T5_H_
