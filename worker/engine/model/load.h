// From a checkpoint to a network that runs: the list of architectures.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_

#include <cstdint>
#include <limits>
#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/weights.h"

namespace ondelette::engine {

inline constexpr int64_t kAllLayers = std::numeric_limits<int64_t>::max();

// Loads the first `layers` layers (at most as many as there are) of the stack that the spec reads,
// in float32. Of the spec only stack and position_embeddings count (ModelVariant). The checkpoint
// is not needed afterwards. Errors are LoadWeights'.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, const Spec& spec,
                                                 at::Device device, int64_t layers,
                                                 LoadProgress progress);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_LOAD_H_
