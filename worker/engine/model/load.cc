#include "worker/engine/model/load.h"

#include "worker/engine/model/gpt_neox.h"

namespace ondelette::engine {

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, at::Device device,
                                                 int64_t layers, LoadProgress progress) {
  switch (checkpoint.config().architecture) {
    case Architecture::kGptNeox:
      return LoadGptNeox(checkpoint, device, layers, progress);
  }
  return absl::InternalError("an architecture without a network");
}

}  // namespace ondelette::engine
