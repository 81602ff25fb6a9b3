// What a spec may ask of a network.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_FIT_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_FIT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette::engine {

// INVALID_ARGUMENT SPEC_MODEL_MISMATCH, naming the field: a decoder stack of a network without one,
// position_embeddings zero where none are learned, or more tokens than there are learned positions.
absl::Status CheckSpecFitsModel(const Spec& spec, const ModelConfig& config);

// Layers of the stack that the spec reads.
int64_t StackLayers(const Spec& spec, const ModelConfig& config);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_FIT_H_
