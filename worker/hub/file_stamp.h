// What the file system says about a file without reading it: enough to see that it changed.
#ifndef ONDELETTE_WORKER_HUB_FILE_STAMP_H_
#define ONDELETTE_WORKER_HUB_FILE_STAMP_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace ondelette {

struct FileStamp {
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
  int64_t changed_ns = 0;   // of the inode: moves even where a tool sets modified_ns back
  uint64_t device = 0;
  uint64_t inode = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The stamp of a regular file; links are followed. NOT_FOUND (CHECKPOINT_INCOMPLETE) where there is
// none, a link that leads nowhere said as such; FAILED_PRECONDITION (CHECKPOINT_CORRUPT) on a
// folder, device or pipe.
absl::StatusOr<FileStamp> StampOf(const std::string& path);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_FILE_STAMP_H_
