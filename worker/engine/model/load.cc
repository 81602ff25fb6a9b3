#include "worker/engine/model/load.h"

#include <utility>

#include "worker/engine/model/bert.h"
#include "worker/engine/model/gemma2.h"
#include "worker/engine/model/gpt2.h"
#include "worker/engine/model/gpt_neox.h"
#include "worker/engine/model/llama.h"
#include "worker/engine/model/t5.h"

namespace ondelette::engine {

absl::StatusOr<std::unique_ptr<Model>> LoadModel(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const Spec& spec, const LoadOptions& options) {
  switch (checkpoint->config().architecture) {
    case Architecture::kGptNeox:
      return LoadGptNeox(std::move(checkpoint), options);
    case Architecture::kLlama:
    case Architecture::kMistral:
    case Architecture::kQwen2:
      return LoadLlama(std::move(checkpoint), options);
    case Architecture::kGemma2:
      return LoadGemma2(std::move(checkpoint), options);
    case Architecture::kGpt2:
      return LoadGpt2(std::move(checkpoint), spec, options);
    case Architecture::kBert:
      return LoadBert(std::move(checkpoint), spec, options);
    case Architecture::kT5:
      return LoadT5(std::move(checkpoint), spec, options);
  }
  return absl::InternalError("an architecture without a network");
}

}  // namespace ondelette::engine
