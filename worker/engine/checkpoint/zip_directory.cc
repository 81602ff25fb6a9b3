#include "worker/engine/checkpoint/zip_directory.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {
namespace {

constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kLocator64Bytes = 20;
constexpr size_t kCentralBytes = 46;
constexpr size_t kLocalBytes = 30;
constexpr size_t kLongestComment = 65535;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // "the value stands in the zip64 record"
constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kEncryptedFlag = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

// Little-endian numbers at a position; the caller has checked that they lie inside.
template <typename T>
T At(absl::string_view bytes, size_t position) {
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof(T));
  return value;
}

bool Inside(absl::string_view bytes, uint64_t position, uint64_t size) {
  return position <= bytes.size() && size <= bytes.size() - position;
}

struct Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

std::optional<size_t> FindEnd(absl::string_view bytes) {
  if (bytes.size() < kEndBytes) return std::nullopt;
  size_t last = bytes.size() - kEndBytes;
  size_t first = last > kLongestComment ? last - kLongestComment : 0;
  for (size_t position = last + 1; position-- > first;) {
    if (At<uint32_t>(bytes, position) == kEndSignature &&
        position + kEndBytes + At<uint16_t>(bytes, position + 20) == bytes.size()) {
      return position;
    }
  }
  return std::nullopt;
}

// Where the directory lies; its zip64 form wins where there is one.
absl::StatusOr<Directory> FindDirectory(absl::string_view bytes, absl::string_view file) {
  std::optional<size_t> end = FindEnd(bytes);
  if (!end) return CorruptFile(file, "has no zip directory at its end: it is cut off");
  Directory directory{At<uint16_t>(bytes, *end + 10), At<uint32_t>(bytes, *end + 12),
                      At<uint32_t>(bytes, *end + 16)};
  if (*end >= kLocator64Bytes &&
      At<uint32_t>(bytes, *end - kLocator64Bytes) == kLocator64Signature) {
    uint64_t position = At<uint64_t>(bytes, *end - kLocator64Bytes + 8);
    if (!Inside(bytes, position, kEnd64Bytes) || At<uint32_t>(bytes, position) != kEnd64Signature) {
      return CorruptFile(file, "has a zip64 locator that points nowhere");
    }
    directory = Directory{At<uint64_t>(bytes, position + 32), At<uint64_t>(bytes, position + 40),
                          At<uint64_t>(bytes, position + 48)};
  }
  if (!Inside(bytes, directory.offset, directory.size) ||
      directory.entries > directory.size / kCentralBytes || directory.entries > 2 * kMaxTensors) {
    return CorruptFile(file, "has a zip directory that does not fit in the file");
  }
  return directory;
}

// One header of the central directory, its 64-bit values resolved.
struct CentralHeader {
  ZipEntry entry;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint64_t compressed = 0;
  uint64_t local_offset = 0;
};

// Replaces values that say "see zip64" by those of the zip64 extra field, which holds exactly the
// replaced ones, in this order.
bool ApplyZip64(absl::string_view extra, CentralHeader& header) {
  while (extra.size() >= 4) {
    uint16_t id = At<uint16_t>(extra, 0);
    uint16_t size = At<uint16_t>(extra, 2);
    if (!Inside(extra, 4, size)) return false;
    absl::string_view body = extra.substr(4, size);
    extra.remove_prefix(4 + size);
    if (id != kZip64Extra) continue;
    for (uint64_t* value : {&header.entry.size, &header.compressed, &header.local_offset}) {
      if (*value != kIn64) continue;
      if (body.size() < 8) return false;
      *value = At<uint64_t>(body, 0);
      body.remove_prefix(8);
    }
  }
  return true;
}

// Reads the header at the front of `rest` and removes it.
std::optional<CentralHeader> NextHeader(absl::string_view& rest) {
  if (rest.size() < kCentralBytes || At<uint32_t>(rest, 0) != kCentralSignature) {
    return std::nullopt;
  }
  CentralHeader header;
  header.flags = At<uint16_t>(rest, 8);
  header.method = At<uint16_t>(rest, 10);
  header.entry.crc32 = At<uint32_t>(rest, 16);
  header.compressed = At<uint32_t>(rest, 20);
  header.entry.size = At<uint32_t>(rest, 24);
  size_t name = At<uint16_t>(rest, 28);
  size_t extra = At<uint16_t>(rest, 30);
  size_t comment = At<uint16_t>(rest, 32);
  header.local_offset = At<uint32_t>(rest, 42);
  if (!Inside(rest, kCentralBytes, name + extra + comment)) return std::nullopt;
  header.entry.name = rest.substr(kCentralBytes, name);
  if (!ApplyZip64(rest.substr(kCentralBytes + name, extra), header)) return std::nullopt;
  rest.remove_prefix(kCentralBytes + name + extra + comment);
  return header;
}

// Follows a header to its local header and its data, which ends before the directory.
absl::StatusOr<ZipEntry> Locate(absl::string_view body, CentralHeader header,
                                absl::string_view file) {
  auto corrupt = [&](absl::string_view what) {
    return CorruptFile(file, absl::StrCat("entry ", Quoted(header.entry.name), " ", what));
  };
  uint64_t local = header.local_offset;
  if ((header.flags & kEncryptedFlag) != 0) return corrupt("is encrypted");
  if (header.method != kStored && header.method != kDeflated) {
    return corrupt(absl::StrCat("has the unknown compression method ", header.method));
  }
  if (!Inside(body, local, kLocalBytes) || At<uint32_t>(body, local) != kLocalSignature) {
    return corrupt("has no header where the directory says");
  }
  size_t name = At<uint16_t>(body, local + 26);
  size_t skip = name + At<uint16_t>(body, local + 28);
  if (!Inside(body, local + kLocalBytes, skip) ||
      body.substr(local + kLocalBytes, name) != header.entry.name) {
    return corrupt("has another name in its own header");
  }
  uint64_t begin = local + kLocalBytes + skip;
  if (!Inside(body, begin, header.compressed)) return corrupt("ends beyond the file");
  header.entry.deflated = header.method == kDeflated;
  header.entry.data = body.substr(begin, header.compressed);
  if (!header.entry.deflated && header.entry.size != header.compressed) {
    return corrupt("is stored, yet has two sizes");
  }
  return header.entry;
}

}  // namespace

absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(absl::string_view bytes,
                                                       absl::string_view file) {
  absl::StatusOr<Directory> directory = FindDirectory(bytes, file);
  if (!directory.ok()) return directory.status();
  absl::string_view body = bytes.substr(0, directory->offset);
  absl::string_view rest = bytes.substr(directory->offset, directory->size);
  std::vector<ZipEntry> entries;
  entries.reserve(directory->entries);
  for (uint64_t i = 0; i < directory->entries; ++i) {
    std::optional<CentralHeader> header = NextHeader(rest);
    if (!header) {
      return CorruptFile(file, absl::StrCat("has a damaged zip directory, at entry ", i));
    }
    absl::StatusOr<ZipEntry> entry = Locate(body, *header, file);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace ondelette
