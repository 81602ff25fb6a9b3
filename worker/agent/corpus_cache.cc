#include "worker/agent/corpus_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::agent {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kFirstWait = absl::Milliseconds(100);
constexpr absl::Duration kLongestWait = absl::Seconds(5);

absl::Status Cancelled() { return absl::CancelledError("the corpus is not wanted any more"); }

absl::Status Unwritable(const std::string& path) {
  return MakeError(absl::StatusCode::kResourceExhausted, "CORPUS_UNWRITABLE",
                   absl::StrCat("cannot write the corpus to ", path, ": ", std::strerror(errno)),
                   "free some space, or give another folder with --cache");
}

bool IsDigest(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

bool WriteAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

// Whether asking again later can help.
bool CoordinatorAway(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

CorpusCache::CorpusCache(std::string folder, const std::shared_ptr<grpc::Channel>& channel)
    : folder_(std::move(folder)), stub_(v1::CorpusService::NewStub(channel)) {}

absl::StatusOr<std::shared_ptr<const Corpus>> CorpusCache::Get(const std::string& digest,
                                                               const std::atomic<bool>& cancelled) {
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    if (it->first != digest) continue;
    std::rotate(open_.begin(), it, it + 1);
    return open_.front().second;
  }
  if (!IsDigest(digest)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CORPUS_DIGEST",
                     absl::StrCat("'", digest, "' is not the digest of a corpus"));
  }
  std::error_code ignored;
  fs::create_directories(folder_, ignored);
  const std::string path = absl::StrCat(folder_, "/", digest, ".jsonl");
  absl::StatusOr<std::shared_ptr<const Corpus>> corpus = Corpus::Open(path, digest);
  if (!corpus.ok()) {
    // Missing, or damaged on this disk: either way the coordinator has it.
    if (absl::Status status = Fetch(digest, path, cancelled); !status.ok()) return status;
    corpus = Corpus::Open(path, digest);
    if (!corpus.ok()) {
      unlink(path.c_str());
      return corpus.status();
    }
  }
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now: the last to be evicted
  Evict(path);
  open_.emplace_front(digest, *corpus);
  if (open_.size() > kMostOpen) open_.pop_back();
  return *corpus;
}

absl::Status CorpusCache::Fetch(const std::string& digest, const std::string& path,
                                const std::atomic<bool>& cancelled) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return Unwritable(path);
  absl::Status status = Download(digest, file.get(), cancelled);
  for (absl::Duration wait = kFirstWait; CoordinatorAway(status);
       wait = std::min(2 * wait, kLongestWait)) {
    const absl::Time end = absl::Now() + wait;
    while (absl::Now() < end && !cancelled) absl::SleepFor(absl::Milliseconds(20));
    if (cancelled) {
      status = Cancelled();
      break;
    }
    if (ftruncate(file.get(), 0) != 0 || lseek(file.get(), 0, SEEK_SET) != 0) {
      status = Unwritable(path);
      break;
    }
    status = Download(digest, file.get(), cancelled);
  }
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = Unwritable(path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status CorpusCache::Download(const std::string& digest, int file,
                                   const std::atomic<bool>& cancelled) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
  v1::ReadCorpusRequest request;
  request.set_digest(digest);
  std::unique_ptr<grpc::ClientReader<v1::ReadCorpusResponse>> reader =
      stub_->ReadCorpus(&context, request);
  absl::Status status;
  int64_t bytes = 0;
  v1::ReadCorpusResponse response;
  while (status.ok() && reader->Read(&response)) {
    bytes += static_cast<int64_t>(response.chunk().size());
    if (cancelled) {
      status = Cancelled();
    } else if (bytes > kLargestCorpus) {
      status = MakeError(
          absl::StatusCode::kResourceExhausted, "CORPUS_TOO_LARGE",
          absl::StrCat("the corpus ", digest, " has more than ", kLargestCorpus, " bytes"),
          "split the corpus");
    } else if (!WriteAll(file, {response.chunk().data(), response.chunk().size()})) {
      status = Unwritable(folder_);
    }
  }
  if (!status.ok()) context.TryCancel();
  const grpc::Status finished = reader->Finish();
  return status.ok() ? FromRpcStatus(finished) : status;
}

void CorpusCache::Evict(const std::string& keep) const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const fs::file_time_type time = it->last_write_time(ignored);
    // A dead worker's half-fetched files are swept up after a day.
    const bool whole = absl::EndsWith(it->path().string(), ".jsonl");
    if (whole && it->path() != keep) files.emplace_back(time, it->path());
    if (!whole && fs::file_time_type::clock::now() - time > std::chrono::hours(24)) {
      fs::remove(it->path(), ignored);
    }
  }
  if (files.size() + 1 <= kMostFiles) return;
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i + kMostFiles <= files.size(); ++i) {
    std::error_code ignored;
    fs::remove(files[i].second, ignored);
  }
}

}  // namespace ondelette::agent
