#include "worker/hub/file_stamp.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

absl::Status Missing(const std::string& path) {
  int error = errno;
  if (error != ENOENT && error != ENOTDIR) {
    return absl::UnavailableError(absl::StrCat("cannot open ", path, ": ", std::strerror(error)));
  }
  struct stat link {};
  bool is_link = lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
  return MakeError(
      absl::StatusCode::kNotFound, "CHECKPOINT_INCOMPLETE",
      absl::StrCat(path, is_link ? " is a link to a file that does not exist" : " does not exist"),
      "finish or repeat the download");
}

}  // namespace

absl::StatusOr<FileStamp> StampOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return Missing(path);
  if (!S_ISREG(info.st_mode)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CHECKPOINT_CORRUPT",
                     absl::StrCat(path, " is not a regular file"));
  }
  FileStamp stamp;
  stamp.bytes = info.st_size;
  stamp.modified_ns = Nanoseconds(info.st_mtim);
  stamp.changed_ns = Nanoseconds(info.st_ctim);
  stamp.device = info.st_dev;
  stamp.inode = info.st_ino;
  return stamp;
}

}  // namespace ondelette
