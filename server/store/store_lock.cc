#include "server/store/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {

absl::StatusOr<std::unique_ptr<StoreLock>> StoreLock::Take(const std::string& store_path) {
  const std::string path = store_path + ".lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) {
    return MakeError(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                     absl::StrCat("cannot open ", path, ": ", std::strerror(errno)),
                     "check that the folder of --store is there and may be written to");
  }
  std::unique_ptr<StoreLock> lock(new StoreLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> owner{};
    const ssize_t got = pread(file, owner.data(), owner.size() - 1, 0);
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_IN_USE",
                     absl::StrCat("the store ", store_path,
                                  " is in use by the coordinator with "
                                  "process id ",
                                  got > 0 ? absl::StripAsciiWhitespace(owner.data()) : "unknown"),
                     "stop that one, or name another file with --store");
  }
  // The number is for people only, so that a disk too full to write it does no harm.
  const std::string mine = absl::StrCat(getpid(), "\n");
  if (ftruncate(file, 0) != 0 || pwrite(file, mine.data(), mine.size(), 0) < 0) errno = 0;
  return lock;
}

StoreLock::~StoreLock() { close(file_); }

}  // namespace ondelette::server
