#include "worker/hub/prefetch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace ondelette {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

absl::Status CannotRead(const std::string& path, int error) {
  std::string message = absl::StrCat("cannot read ", path, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

absl::StatusOr<int64_t> ReadOnce(const std::string& path, const std::atomic<bool>& stop,
                                 std::vector<char>* buffer) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return CannotRead(path, errno);
  absl::Cleanup close_file = [file] { close(file); };
  // The advice starts the disk; reading makes sure, also where the kernel ignores the advice or
  // caps it (network and overlay file systems).
  posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
  int64_t total = 0;
  while (true) {
    if (stop) return absl::CancelledError(absl::StrCat("stopped while reading ", path));
    ssize_t got = read(file, buffer->data(), buffer->size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path, errno);
    if (got == 0) return total;
    total += got;
  }
}

}  // namespace

absl::StatusOr<int64_t> Prefetch(const ResolvedCheckpoint& checkpoint,
                                 const std::atomic<bool>& stop) {
  std::vector<char> buffer(kPieceBytes);
  int64_t total = 0;
  for (const CheckpointFile& file : checkpoint.files) {
    if (file.kind != FileKind::kWeights) continue;
    absl::StatusOr<int64_t> bytes = ReadOnce(file.path, stop, &buffer);
    if (!bytes.ok()) return bytes.status();
    total += *bytes;
  }
  return total;
}

}  // namespace ondelette
