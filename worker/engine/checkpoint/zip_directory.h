// The directory of a zip archive, read out of bytes nobody has checked. ZipArchive is its user.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_DIRECTORY_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_DIRECTORY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/zip_archive.h"

namespace ondelette {

// Every entry of the archive `bytes`, in the directory's order, each inside the file. `file` is for
// messages. Errors as ZipArchive::Open's.
absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(absl::string_view bytes,
                                                       absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_DIRECTORY_H_
