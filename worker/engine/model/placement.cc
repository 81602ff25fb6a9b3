#include "worker/engine/model/placement.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/layer_stream.h"
#include "worker/engine/model/memory.h"

namespace ondelette::engine {
namespace {

struct Sizes {
  int64_t shared = 0;  // of no layer
  int64_t layers = 0;  // of all of them
  int64_t layer = 0;   // the largest one
  int64_t held() const { return shared + layers; }
  int64_t streamed() const { return shared + 2 * layer; }  // one is used, the next is read
};

Sizes SizesOf(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted,
              at::Device device) {
  Sizes sizes;
  int64_t current = -1, bytes = 0;
  for (const WantedWeight& weight : wanted) {
    if (weight.layer != current) bytes = 0;
    current = weight.layer;
    const int64_t size = LoadedBytes(checkpoint, weight, device);
    bytes += size;
    (current < 0 ? sizes.shared : sizes.layers) += size;
    if (current >= 0) sizes.layer = std::max(sizes.layer, bytes);
  }
  return sizes;
}

absl::StatusOr<Placement> Choose(const Checkpoint& checkpoint, const Sizes& sizes,
                                 const LoadOptions& options) {
  int64_t available = AvailableMemory(options.device);
  if (sizes.held() > available - options.work_space) {
    LargeMemory::ReleaseKept();
    available = AvailableMemory(options.device);
  }
  const int64_t room = std::max<int64_t>(0, available - options.work_space);
  if (options.placement != Placement::kStreamed && sizes.held() <= room) return Placement::kHeld;
  if (options.placement != Placement::kHeld && sizes.streamed() <= room)
    return Placement::kStreamed;
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "MODEL_TOO_LARGE",
      absl::StrCat(checkpoint.folder(), ": its weights take ", sizes.held() >> 20,
                   " MiB as float32, layer by layer ", sizes.streamed() >> 20, " MiB, and ",
                   available >> 20, " MiB are free on ", options.device.str(), ", of which ",
                   options.work_space >> 20, " are for the work itself"),
      "use a machine or device with more memory, or a smaller model");
}

absl::Status ReadAndPut(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted,
                        const LoadOptions& options) {
  absl::StatusOr<std::vector<LoadedWeight>> loaded =
      ReadWeights(checkpoint, wanted, options.device, options.progress);
  if (!loaded.ok()) return loaded.status();
  for (size_t index = 0; index < wanted.size(); ++index) {
    PutWeight(wanted[index], std::move((*loaded)[index]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> PlaceWeights(std::unique_ptr<Model> model,
                                                    std::shared_ptr<const Checkpoint> checkpoint,
                                                    const WeightList& list,
                                                    const LoadOptions& options) {
  const std::vector<WantedWeight>& wanted = list.wanted();
  if (absl::Status found = CheckWeights(*checkpoint, wanted); !found.ok()) return found;
  absl::StatusOr<Placement> placement =
      Choose(*checkpoint, SizesOf(*checkpoint, wanted, options.device), options);
  if (!placement.ok()) return placement.status();
  if (*placement == Placement::kHeld) {
    if (absl::Status read = ReadAndPut(*checkpoint, wanted, options); !read.ok()) return read;
    return model;
  }
  std::vector<WantedWeight> shared;
  std::vector<std::vector<WantedWeight>> layers(static_cast<size_t>(model->layers()));
  for (const WantedWeight& weight : wanted) {
    (weight.layer < 0 ? shared : layers[static_cast<size_t>(weight.layer)]).push_back(weight);
  }
  if (absl::Status read = ReadAndPut(*checkpoint, shared, options); !read.ok()) return read;
  model->Stream(
      std::make_unique<LayerStream>(std::move(checkpoint), std::move(layers), options.device));
  return model;
}

}  // namespace ondelette::engine
