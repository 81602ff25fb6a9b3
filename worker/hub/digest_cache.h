// SHA-256 of files, each read only once: 154 checkpoints of a suite are hashed on the first sweep
// and looked up on the next.
//
// On disk: FOLDER/digests, text. A line "ondelette-digests 1", one line
// "SHA256 BYTES MODIFIED_NS CHANGED_NS DEVICE INODE PATH" a file, and a last line "end SHA256" over
// everything before. It is replaced whole, by rename; several workers may share a folder (each
// merges what it finds before it writes; where two write at once one file's entries are hashed
// again).
#ifndef ONDELETTE_WORKER_HUB_DIGEST_CACHE_H_
#define ONDELETTE_WORKER_HUB_DIGEST_CACHE_H_

#include <cstdint>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/hub/file_stamp.h"

namespace ondelette {

struct HashedFile {
  std::string canonical_path;  // links resolved
  std::string sha256;
  FileStamp stamp;
};

// Thread-safe. Two threads that ask for the same new file at once may both read it.
class DigestCache {
 public:
  // `folder` is made where missing; empty: nothing is kept on disk. A file of digests that is
  // damaged is said so on stderr and started anew.
  explicit DigestCache(std::string folder);

  // The digest of a file. Errors of StampOf; ABORTED (CHECKPOINT_CHANGED) where it changed while it
  // was read.
  absl::StatusOr<HashedFile> Hash(const std::string& path);

  // Writes what Hash learned since the last call; nothing where there is nothing new. A failure (a
  // full disk) is returned and costs only time later.
  absl::Status Save();

  // Files that Hash had to read in this process.
  int64_t FilesRead() const;

 private:
  struct Entry {
    std::string sha256;
    FileStamp stamp;
  };
  using Entries = absl::flat_hash_map<std::string, Entry>;  // by canonical path

  static absl::StatusOr<Entries> Parse(absl::string_view text);
  static std::string Print(const Entries& entries);
  // Adds what the file on disk holds and `entries` lacks.
  void MergeFromDisk(Entries* entries) const;
  void Remember(const HashedFile& file);

  const std::string folder_;
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;
  bool has_news_ = false;
  int64_t files_read_ = 0;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_DIGEST_CACHE_H_
