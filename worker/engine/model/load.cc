#include "worker/engine/model/load.h"

#include "worker/engine/model/bert.h"
#include "worker/engine/model/gemma2.h"
#include "worker/engine/model/gpt2.h"
#include "worker/engine/model/gpt_neox.h"
#include "worker/engine/model/llama.h"
#include "worker/engine/model/t5.h"

namespace ondelette::engine {

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, const Spec& spec,
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
    case Architecture::kGpt2:
      return LoadGpt2(checkpoint, spec, device, layers, progress);
    case Architecture::kBert:
      return LoadBert(checkpoint, spec, device, layers, progress);
    case Architecture::kT5:
      return LoadT5(checkpoint, spec, device, layers, progress);
  }
  return absl::InternalError("an architecture without a network");
}

}  // namespace ondelette::engine
