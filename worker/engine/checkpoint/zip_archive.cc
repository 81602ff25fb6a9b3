#include "worker/engine/checkpoint/zip_archive.h"

#include <zlib.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/tensor_view.h"
#include "worker/engine/checkpoint/zip_directory.h"

namespace ondelette {
namespace {

absl::Status CorruptEntry(absl::string_view file, const ZipEntry& entry, absl::string_view what) {
  return CorruptFile(file, absl::StrCat("entry ", Quoted(entry.name), " ", what));
}

// Overlapping entries are how small archives inflate to huge ones; torch never writes them.
absl::Status CheckDisjoint(const std::vector<ZipEntry>& entries, absl::string_view file) {
  std::vector<const ZipEntry*> order;
  order.reserve(entries.size());
  for (const ZipEntry& entry : entries) {
    if (!entry.data.empty()) order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(),
            [](const ZipEntry* a, const ZipEntry* b) { return a->data.data() < b->data.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i]->data.data() < order[i - 1]->data.data() + order[i - 1]->data.size()) {
      return CorruptEntry(file, *order[i], "shares bytes with another entry");
    }
  }
  return absl::OkStatus();
}

bool Inflate(absl::string_view data, std::string& out) {
  z_stream stream = {};
  // Negative: a raw deflate stream, without zlib's own header.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  auto end = absl::MakeCleanup([&stream] { inflateEnd(&stream); });
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  return inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0 &&
         stream.avail_in == 0;
}

bool ChecksumAgrees(absl::string_view bytes, uint32_t expected) {
  // torch.serialization.set_crc32_options(False) writes 0.
  return expected == 0 ||
         crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == expected;
}

}  // namespace

absl::StatusOr<ZipArchive> ZipArchive::Open(MappedFile file) {
  ZipArchive archive(std::move(file));
  absl::StatusOr<std::vector<ZipEntry>> entries =
      ReadZipDirectory(archive.file_.bytes(), archive.path());
  if (!entries.ok()) return entries.status();
  if (absl::Status disjoint = CheckDisjoint(*entries, archive.path()); !disjoint.ok()) {
    return disjoint;
  }
  std::sort(entries->begin(), entries->end(),
            [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
  for (size_t i = 1; i < entries->size(); ++i) {
    if ((*entries)[i].name == (*entries)[i - 1].name) {
      return CorruptEntry(archive.path(), (*entries)[i], "is there twice");
    }
  }
  archive.entries_ = *std::move(entries);
  return archive;
}

const ZipEntry* ZipArchive::Find(absl::string_view name) const {
  auto found = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const ZipEntry& entry, absl::string_view wanted) { return entry.name < wanted; });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

absl::Status ZipArchive::VerifyChecksum(const ZipEntry& entry) const {
  if (entry.deflated) return CorruptEntry(path(), entry, "is compressed");
  if (!ChecksumAgrees(entry.data, entry.crc32)) {
    return CorruptEntry(path(), entry, "does not have the checksum (CRC-32) it says");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> ZipArchive::Read(const ZipEntry& entry, uint64_t max_bytes,
                                                   std::string& buffer) const {
  if (entry.size > max_bytes || entry.data.size() > max_bytes) {
    return CorruptEntry(path(), entry,
                        absl::StrCat("says it is ", entry.size, " bytes long, more than the ",
                                     max_bytes, " it may be"));
  }
  if (!entry.deflated) {
    if (absl::Status checked = VerifyChecksum(entry); !checked.ok()) return checked;
    return entry.data;
  }
  buffer.resize(entry.size);
  if (!Inflate(entry.data, buffer)) {
    return CorruptEntry(path(), entry,
                        absl::StrCat("does not inflate to the ", entry.size, " bytes it says"));
  }
  if (!ChecksumAgrees(buffer, entry.crc32)) {
    return CorruptEntry(path(), entry, "does not have the checksum (CRC-32) it says");
  }
  return absl::string_view(buffer);
}

}  // namespace ondelette
