// Where a network's weights are: held in memory, or streamed from the checkpoint.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PLACEMENT_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PLACEMENT_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <limits>
#include <memory>

#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/weight_list.h"
#include "worker/engine/model/weights.h"

namespace ondelette::engine {

inline constexpr int64_t kAllLayers = std::numeric_limits<int64_t>::max();

// kAuto holds them where they fit into what memory is free, and streams where they do not.
enum class Placement { kAuto, kHeld, kStreamed };

struct LoadOptions {
  at::Device device = at::kCPU;
  int64_t layers = kAllLayers;  // the first ones, at most as many as there are
  Placement placement = Placement::kAuto;
  int64_t work_space = int64_t{512} << 20;  // bytes that must be left for all that is no weight
  LoadProgress progress = nullptr;
};

// Fills a network whose weights `list` names. All of them are found and their shapes compared, then
// the memory they need is compared with what is free, and only then the first is read. Streamed are
// the weights that belong to a layer; the checkpoint is then kept as long as the network. Errors are
// CheckWeights' and ReadWeights', and FAILED_PRECONDITION MODEL_TOO_LARGE with the numbers.
absl::StatusOr<std::unique_ptr<Model>> PlaceWeights(std::unique_ptr<Model> model,
                                                    std::shared_ptr<const Checkpoint> checkpoint,
                                                    const WeightList& list,
                                                    const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PLACEMENT_H_
