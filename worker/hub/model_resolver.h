// Several sources as one: the first that has a checkpoint gives it.
#ifndef ONDELETTE_WORKER_HUB_MODEL_RESOLVER_H_
#define ONDELETTE_WORKER_HUB_MODEL_RESOLVER_H_

#include <memory>
#include <string>
#include <vector>

#include "worker/hub/model_source.h"

namespace ondelette {

// Thread-safe.
class ModelResolver : public ModelSource {
 public:
  // Asked in this order; folders first, then caches, then whatever downloads.
  explicit ModelResolver(std::vector<std::unique_ptr<ModelSource>> sources);

  // Goes on to the next source on NOT_FOUND only. Where no source has it, NOT_FOUND says what each
  // one said; the reason is that of the one that came closest (CHECKPOINT_INCOMPLETE, then
  // REVISION_NOT_FOUND, then MODEL_NOT_FOUND).
  absl::StatusOr<ResolvedCheckpoint> Resolve(const std::string& model,
                                             const std::string& revision) override;

  // Those of every source that has the model, each once.
  absl::StatusOr<std::vector<std::string>> ListRevisions(const std::string& model) override;

 private:
  const std::vector<std::unique_ptr<ModelSource>> sources_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_MODEL_RESOLVER_H_
