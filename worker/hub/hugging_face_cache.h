// Models in a cache folder of huggingface_hub, as left by any Python program on this machine:
//
//   HUB/models--OWNER--NAME/refs/REVISION           a file that holds a commit
//   HUB/models--OWNER--NAME/snapshots/COMMIT/FILE   the files, links into blobs or plain copies
//   HUB/models--OWNER--NAME/blobs/DIGEST            large files are named by their SHA-256
#ifndef ONDELETTE_WORKER_HUB_HUGGING_FACE_CACHE_H_
#define ONDELETTE_WORKER_HUB_HUGGING_FACE_CACHE_H_

#include <string>
#include <vector>

#include "worker/hub/digest_cache.h"
#include "worker/hub/model_source.h"

namespace ondelette {

// A revision is a ref's name (which may have slashes: refs/pr/1), or a commit or the first 4 or
// more digits of one; empty means main. A name that is no repo id is MODEL_NOT_FOUND here, so that
// a folder's path may be asked of every source. Nothing is written. Thread-safe.
class HuggingFaceCache : public ModelSource {
 public:
  // `hub_folder` is what HF_HUB_CACHE names (by default ~/.cache/huggingface/hub); finding it is
  // the caller's. `digests` outlives this object.
  HuggingFaceCache(std::string hub_folder, DigestCache* digests);

  absl::StatusOr<ResolvedCheckpoint> Resolve(const std::string& model,
                                             const std::string& revision) override;
  // The refs, and the commits of snapshots that no ref names.
  absl::StatusOr<std::vector<std::string>> ListRevisions(const std::string& model) override;

 private:
  // HUB/models--OWNER--NAME, absolute and with links resolved.
  absl::StatusOr<std::string> FindFolder(const std::string& model) const;

  const std::string hub_folder_;
  DigestCache* const digests_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_HUGGING_FACE_CACHE_H_
