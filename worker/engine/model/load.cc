#include "worker/engine/model/load.h"

#include "worker/engine/model/gemma2.h"
#include "worker/engine/model/gpt_neox.h"
#include "worker/engine/model/llama.h"

namespace ondelette::engine {

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, const Spec& /*spec*/,
                                                 at::Device device, int64_t layers,
                                                 LoadProgress progress) {
  switch (checkpoint.config().architecture) {
    case Architecture::kGptNeox:
      return LoadGptNeox(checkpoint, device, layers, progress);
    case Architecture::kLlama:
    case Architecture::kMistral:
    case Architecture::kQwen2:
      return LoadLlama(checkpoint, device, layers, progress);
    case Architecture::kGemma2:
      return LoadGemma2(checkpoint, device, layers, progress);
  }
  return absl::InternalError("an architecture without a network");
}

}  // namespace ondelette::engine
