// The entries of a zip archive as torch.save writes it: mapped, and stored without compression.
//
// Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3 (zip64). The central directory at the
// end is what counts; each local header is compared with it.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_ARCHIVE_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_ARCHIVE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/mapped_file.h"

namespace ondelette {

struct ZipEntry {
  absl::string_view name;  // in the mapped file
  bool deflated = false;
  absl::string_view data;  // in the mapped file; compressed where deflated
  uint64_t size = 0;       // bytes once inflated
  uint32_t crc32 = 0;      // of the inflated bytes; 0 where the writer left it out
};

// Owns the mapped file; entries point into it. Movable; const methods may be called from several
// threads.
class ZipArchive {
 public:
  // Checks the whole directory: every entry lies inside the file, names are unique, no two entries
  // share bytes, none is encrypted. DATA_LOSS CHECKPOINT_CORRUPT or UNIMPLEMENTED
  // CHECKPOINT_UNSUPPORTED, naming the file and the entry.
  static absl::StatusOr<ZipArchive> Open(MappedFile file);

  const std::string& path() const { return file_.path(); }
  uint64_t bytes() const { return file_.bytes().size(); }  // of the whole file
  const MappedFile& file() const { return file_; }
  // Sorted by name.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* Find(absl::string_view name) const;  // nullptr where there is none

  // Compares the checksum of a stored entry. DATA_LOSS CHECKPOINT_CORRUPT.
  absl::Status VerifyChecksum(const ZipEntry& entry) const;

  // The bytes of an entry, checked. A stored one is returned as it lies in the file; a deflated one
  // is inflated into `buffer` unless that takes more than `max_bytes` (a zip bomb is refused before
  // anything is allocated, and one that lies about its size as soon as it grows beyond it).
  absl::StatusOr<absl::string_view> Read(const ZipEntry& entry, uint64_t max_bytes,
                                         std::string& buffer) const;

 private:
  explicit ZipArchive(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  std::vector<ZipEntry> entries_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_ZIP_ARCHIVE_H_
