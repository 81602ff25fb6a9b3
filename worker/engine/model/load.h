// From a checkpoint to a network that runs: the list of architectures.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Loads layers of the stack that the spec reads, in float32. Of the spec only stack and
// position_embeddings count (ModelVariant). Errors are PlaceWeights'.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const Spec& spec, const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_
