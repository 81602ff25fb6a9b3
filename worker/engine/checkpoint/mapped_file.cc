#include "worker/engine/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "worker/engine/checkpoint/file_errors.h"

namespace ondelette {

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  // A NUL inside the name would open another file than the one that messages show.
  if (path.find('\0') != std::string::npos) return SystemError(path, "open", EINVAL);
  // O_NONBLOCK: the open of a FIFO returns at once, to be refused below.
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return SystemError(path, "open", errno);
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    int error_number = errno;
    close(descriptor);
    return SystemError(path, "stat", error_number);
  }
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) {
    close(descriptor);
    return CorruptFile(path, S_ISREG(status.st_mode) ? "the file is empty" : "not a regular file");
  }
  size_t size = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  int error_number = errno;
  close(descriptor);
  if (address == MAP_FAILED) return SystemError(path, "map", error_number);
  return MappedFile(path, absl::string_view(static_cast<const char*>(address), size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace ondelette
