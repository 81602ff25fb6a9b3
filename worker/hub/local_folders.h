// Models in plain folders of this machine.
#ifndef ONDELETTE_WORKER_HUB_LOCAL_FOLDERS_H_
#define ONDELETTE_WORKER_HUB_LOCAL_FOLDERS_H_

#include <string>
#include <vector>

#include "worker/hub/digest_cache.h"
#include "worker/hub/model_source.h"

namespace ondelette {

// A model's name is a path where it starts with '/', './' or '../' (or is '.' or '..'). Any other
// name is a folder below the models root or, where that has none, below the working directory; it
// cannot lead out of either.
//
// The folder either holds config.json and weights itself, and is then the revision "main", or has
// one sub-folder a revision, or both. ListRevisions lists the first level of sub-folders; Resolve
// also takes deeper ones (revision "run1/step100"). Thread-safe.
class LocalFolders : public ModelSource {
 public:
  // `models_root` may be empty. `digests` outlives this object.
  LocalFolders(std::string models_root, DigestCache* digests);

  absl::StatusOr<ResolvedCheckpoint> Resolve(const std::string& model,
                                             const std::string& revision) override;
  absl::StatusOr<std::vector<std::string>> ListRevisions(const std::string& model) override;

 private:
  // The model's folder, absolute and with links resolved.
  absl::StatusOr<std::string> FindFolder(const std::string& model) const;

  const std::string models_root_;
  DigestCache* const digests_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_LOCAL_FOLDERS_H_
