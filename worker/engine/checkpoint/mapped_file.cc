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

void MappedFile::Advise(std::span<const std::byte> part, int advice) const {
  const auto* begin = reinterpret_cast<const char*>(part.data());
  if (part.empty() || begin < bytes_.data() ||
      begin + part.size() > bytes_.data() + bytes_.size()) {
    return;
  }
  // Whole pages; the mapping begins with one.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t first = static_cast<size_t>(begin - bytes_.data()) / page * page;
  const size_t end = static_cast<size_t>(begin - bytes_.data()) + part.size();
  madvise(const_cast<char*>(bytes_.data()) + first, end - first, advice);
}

// Piece by piece: of what one call asks for, Linux reads no more than a device takes at once.
void MappedFile::ReadAhead(std::span<const std::byte> part) const {
  constexpr size_t kPiece = 128 << 10;
  for (; part.size() > kPiece; part = part.subspan(kPiece)) {
    Advise(part.first(kPiece), MADV_WILLNEED);
  }
  Advise(part, MADV_WILLNEED);
}

void MappedFile::Release(std::span<const std::byte> part) const { Advise(part, MADV_DONTNEED); }

}  // namespace ondelette
