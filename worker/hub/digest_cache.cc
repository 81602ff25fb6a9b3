#include "worker/hub/digest_cache.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

constexpr absl::string_view kFirstLine = "ondelette-digests 1\n";
constexpr absl::string_view kLastLine = "end ";
constexpr size_t kDigestDigits = 64;
// About 20 MB on disk. Beyond it everything is forgotten and learned anew.
constexpr size_t kMaxEntries = 100'000;
constexpr uintmax_t kMaxFileBytes = uintmax_t{128} << 20;
// A file that changed this recently may change again within one tick of its clock and look the same
// (NFS and ext3 keep whole seconds), so its digest is used but not remembered.
constexpr int64_t kSettledAfterNs = 2'000'000'000;

bool IsSettled(const FileStamp& stamp) {
  int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  return std::max(stamp.modified_ns, stamp.changed_ns) < now - kSettledAfterNs;
}

std::string FilePath(const std::string& folder) { return absl::StrCat(folder, "/digests"); }

}  // namespace

DigestCache::DigestCache(std::string folder) : folder_(std::move(folder)) {
  std::lock_guard lock(mutex_);
  MergeFromDisk(&entries_);
}

absl::StatusOr<HashedFile> DigestCache::Hash(const std::string& path) {
  absl::StatusOr<FileStamp> stamp = StampOf(path);
  if (!stamp.ok()) return stamp.status();
  std::error_code error;
  HashedFile file{std::filesystem::canonical(path, error).string(), "", *stamp};
  if (error) file.canonical_path = path;
  {
    std::lock_guard lock(mutex_);
    auto known = entries_.find(file.canonical_path);
    if (known != entries_.end() && known->second.stamp == *stamp) {
      file.sha256 = known->second.sha256;
      return file;
    }
    ++files_read_;
  }
  absl::StatusOr<std::string> sha256 = Sha256OfFile(path);
  if (!sha256.ok()) return sha256.status();
  absl::StatusOr<FileStamp> stamp_after = StampOf(path);
  if (!stamp_after.ok()) return stamp_after.status();
  if (*stamp_after != *stamp) {
    return MakeError(absl::StatusCode::kAborted, "CHECKPOINT_CHANGED",
                     absl::StrCat(path, " changed while it was read"),
                     "let the download finish first");
  }
  file.sha256 = *std::move(sha256);
  Remember(file);
  return file;
}

void DigestCache::Remember(const HashedFile& file) {
  if (!IsSettled(file.stamp) || absl::StrContains(file.canonical_path, '\n')) return;
  std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_[file.canonical_path] = {file.sha256, file.stamp};
  has_news_ = true;
}

int64_t DigestCache::FilesRead() const {
  std::lock_guard lock(mutex_);
  return files_read_;
}

std::string DigestCache::Print(const Entries& entries) {
  std::string text(kFirstLine);
  for (const auto& [path, entry] : entries) {
    const FileStamp& stamp = entry.stamp;
    absl::StrAppend(&text, entry.sha256, " ", stamp.bytes, " ", stamp.modified_ns, " ",
                    stamp.changed_ns, " ");
    absl::StrAppend(&text, stamp.device, " ", stamp.inode, " ", path, "\n");
  }
  return absl::StrCat(text, kLastLine, Sha256Of(text), "\n");
}

absl::StatusOr<DigestCache::Entries> DigestCache::Parse(absl::string_view text) {
  size_t tail = kLastLine.size() + kDigestDigits + 1;
  if (!absl::StartsWith(text, kFirstLine) || text.size() < kFirstLine.size() + tail) {
    return absl::DataLossError("it is not a file of digests, or was cut");
  }
  absl::string_view body = text.substr(0, text.size() - tail);
  if (text.substr(body.size()) != absl::StrCat(kLastLine, Sha256Of(body), "\n")) {
    return absl::DataLossError("its checksum is wrong");
  }
  Entries entries;
  body.remove_prefix(kFirstLine.size());
  for (absl::string_view line : absl::StrSplit(body, '\n', absl::SkipEmpty())) {
    std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 6));
    Entry entry;
    bool good = parts.size() == 7 && parts[0].size() == kDigestDigits &&
                absl::SimpleAtoi(parts[1], &entry.stamp.bytes) &&
                absl::SimpleAtoi(parts[2], &entry.stamp.modified_ns) &&
                absl::SimpleAtoi(parts[3], &entry.stamp.changed_ns) &&
                absl::SimpleAtoi(parts[4], &entry.stamp.device) &&
                absl::SimpleAtoi(parts[5], &entry.stamp.inode);
    if (!good) return absl::DataLossError(absl::StrCat("it has the line \"", line, "\""));
    entry.sha256.assign(parts[0].data(), parts[0].size());
    entries.emplace(parts[6], std::move(entry));
  }
  return entries;
}

void DigestCache::MergeFromDisk(Entries* entries) const {
  if (folder_.empty()) return;
  std::string path = FilePath(folder_);
  std::error_code error;
  uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return;  // not written yet
  std::string text;
  if (bytes <= kMaxFileBytes) {
    text.resize(bytes);
    std::ifstream file(path, std::ios::binary);
    file.read(text.data(), static_cast<std::streamsize>(bytes));
    text.resize(static_cast<size_t>(file.gcount()));
  }
  absl::StatusOr<Entries> found = Parse(text);
  if (!found.ok()) {
    std::cerr << "ondelette: ignoring the digests remembered in " << path << ": "
              << found.status().message() << "; files will be hashed again" << std::endl;
    return;
  }
  for (auto& [name, entry] : *found) {
    if (entries->size() < kMaxEntries) entries->try_emplace(name, std::move(entry));
  }
}

absl::Status DigestCache::Save() {
  std::lock_guard lock(mutex_);
  if (folder_.empty() || !has_news_) return absl::OkStatus();
  MergeFromDisk(&entries_);
  std::string path = FilePath(folder_);
  std::string temporary = absl::StrCat(path, ".", getpid(), ".new");
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << Print(entries_);
  file.close();
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    return absl::UnavailableError(absl::StrCat("cannot write ", path));
  }
  has_news_ = false;
  return absl::OkStatus();
}

}  // namespace ondelette
