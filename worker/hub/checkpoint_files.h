// Which files of a folder make a checkpoint, and their digests.
#ifndef ONDELETTE_WORKER_HUB_CHECKPOINT_FILES_H_
#define ONDELETTE_WORKER_HUB_CHECKPOINT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/hub/digest_cache.h"
#include "worker/hub/model_source.h"

namespace ondelette {

// Whether a folder says that it is a checkpoint: it has a config.json.
bool IsCheckpointFolder(const std::string& folder);

// The weight files by the engine's rule, sorted: model.safetensors, else
// model.safetensors.index.json and its shards, else pytorch_model.bin, else
// pytorch_model.bin.index.json and its shards. NOT_FOUND (CHECKPOINT_INCOMPLETE) where there are
// none; DATA_LOSS (CHECKPOINT_CORRUPT) on an index that is not one, or that names files outside the
// folder.
absl::StatusOr<std::vector<std::string>> WeightFileNames(const std::string& folder);

// Hashes the files of the checkpoint in `folder` and fills everything of ResolvedCheckpoint. A file
// that lies in a folder "blobs" under a name of 64 hexadecimal digits (as the Hugging Face cache
// keeps them) must have that digest: DATA_LOSS (CHECKPOINT_CORRUPT) naming it otherwise. Reads
// every file that `digests` does not know: minutes for a large model on a slow disk.
absl::StatusOr<ResolvedCheckpoint> ReadCheckpoint(const std::string& model,
                                                  const std::string& revision,
                                                  const std::string& commit,
                                                  const std::string& folder, DigestCache* digests);

// Whether the files are still those that were hashed, by size, modification time and inode. ABORTED
// (CHECKPOINT_CHANGED) naming the first that is not: resolve again, and compare digests.
absl::Status VerifyUnchanged(const ResolvedCheckpoint& checkpoint);

// Bytes of all its files: what the checkpoint costs of a disk budget, and of the page cache.
int64_t TotalBytes(const ResolvedCheckpoint& checkpoint);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_CHECKPOINT_FILES_H_
