// A file's bytes, mapped read-only.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_MAPPED_FILE_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// Owns the mapping, not the descriptor (that is closed at once). Movable; bytes() stay where they
// are when it moves. Const methods may be called from several threads. A file that shrinks while it
// is mapped kills the process with SIGBUS at the next look at the missing pages.
class MappedFile {
 public:
  // Follows links. Only regular files that are not empty: anything else is DATA_LOSS
  // CHECKPOINT_CORRUPT; SystemError's where the system refuses. Never blocks on a FIFO.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  absl::string_view bytes() const { return bytes_; }

  // Both take a part of bytes(); any other memory is left alone. The first has the system fetch the
  // part from the disk, and does not wait. The second takes its pages out of this process's memory;
  // the system keeps them as long as it has room, and they come back when they are looked at.
  void ReadAhead(std::span<const std::byte> part) const;
  void Release(std::span<const std::byte> part) const;
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, absl::string_view bytes) : path_(std::move(path)), bytes_(bytes) {}
  void Advise(std::span<const std::byte> part, int advice) const;

  std::string path_;
  absl::string_view bytes_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_MAPPED_FILE_H_
