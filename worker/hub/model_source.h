// Where models come from: a source turns a model's name and a revision into a folder on this
// machine and the digests of what determines its numbers.
#ifndef ONDELETTE_WORKER_HUB_MODEL_SOURCE_H_
#define ONDELETTE_WORKER_HUB_MODEL_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/hub/file_stamp.h"

namespace ondelette {

enum class FileKind { kWeights, kConfig, kTokenizer };

struct CheckpointFile {
  std::string name;  // within the folder: "model.safetensors"
  std::string path;  // with links resolved
  FileKind kind = FileKind::kWeights;
  int64_t bytes = 0;
  std::string sha256;
  FileStamp stamp;  // when it was hashed
};

// A checkpoint that lies complete on this machine.
struct ResolvedCheckpoint {
  std::string model;     // as asked for
  std::string revision;  // as asked for; "main" where none was
  std::string commit;    // the hub's commit; empty for a plain folder
  std::string folder;    // absolute; what the engine is given
  // config.json, the weight files that the engine reads (checkpoint_files.h) and the tokenizer's
  // files, sorted by name.
  std::vector<CheckpointFile> files;
  // SHA-256 over the lines "SHA256  NAME\n" of the weight files, sorted by name.
  std::string weights_digest;
  // The same over the weight files, config.json and tokenizer.json (or, where there is none, all of
  // the tokenizer's files): everything that determines a number. Two checkpoints with equal digests
  // are aliases.
  std::string digest;
};

// Thread-safe: any method may be called from several threads.
class ModelSource {
 public:
  virtual ~ModelSource() = default;

  // NOT_FOUND with the reason MODEL_NOT_FOUND, REVISION_NOT_FOUND (naming the nearest revisions) or
  // CHECKPOINT_INCOMPLETE (naming the file that is missing): another source may have it.
  // Everything else is final: DATA_LOSS (CHECKPOINT_CORRUPT) on a file that is not what it says,
  // INVALID_ARGUMENT on a name that is none or a commit prefix that fits several.
  virtual absl::StatusOr<ResolvedCheckpoint> Resolve(const std::string& model,
                                                     const std::string& revision) = 0;

  // The revisions that Resolve knows, in natural order (step2 before step10).
  virtual absl::StatusOr<std::vector<std::string>> ListRevisions(const std::string& model) = 0;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_MODEL_SOURCE_H_
