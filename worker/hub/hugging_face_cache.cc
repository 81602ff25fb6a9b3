#include "worker/hub/hugging_face_cache.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/errors/errors.h"
#include "worker/hub/checkpoint_files.h"
#include "worker/hub/revision_names.h"

namespace ondelette {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMinPrefix = 4;
constexpr size_t kMaxRefBytes = 256;

bool IsCommit(absl::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

// The commit that a ref's file holds.
absl::StatusOr<std::string> ReadRef(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxRefBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  absl::StripAsciiWhitespace(&text);
  if (IsCommit(text)) return text;
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_CORRUPT",
                   absl::StrCat(path, " does not hold a commit"),
                   "remove the file and download the revision again");
}

// The names of all files below refs/, without links being followed.
std::vector<std::string> ListRefs(const std::string& folder) {
  std::vector<std::string> names;
  fs::path refs = fs::path(folder) / "refs";
  std::error_code error;
  fs::recursive_directory_iterator entry(refs, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) {
      names.push_back(entry->path().lexically_relative(refs).generic_string());
    }
  }
  return names;
}

std::vector<std::string> ListCommits(const std::string& folder) {
  std::vector<std::string> commits;
  std::error_code error;
  fs::directory_iterator entry(fs::path(folder) / "snapshots", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (IsCommit(name)) commits.push_back(std::move(name));
  }
  return commits;
}

std::vector<std::string> RevisionsIn(const std::string& folder) {
  std::vector<std::string> revisions = ListRefs(folder);
  std::set<std::string> named;
  for (const std::string& name : revisions) {
    absl::StatusOr<std::string> commit = ReadRef(absl::StrCat(folder, "/refs/", name));
    if (commit.ok()) named.insert(*std::move(commit));
  }
  for (std::string& commit : ListCommits(folder)) {
    if (named.count(commit) == 0) revisions.push_back(std::move(commit));
  }
  hub::SortNaturally(&revisions);
  return revisions;
}

// The commit that a revision means in the model's folder.
absl::StatusOr<std::string> FindCommit(const std::string& model, const std::string& revision,
                                       const std::string& folder) {
  std::string ref = absl::StrCat(folder, "/refs/", revision);
  std::error_code error;
  if (fs::is_regular_file(ref, error)) return ReadRef(ref);
  std::vector<std::string> fitting;
  if (revision.size() >= kMinPrefix && IsCommit(revision)) {
    for (std::string& commit : ListCommits(folder)) {
      if (absl::StartsWith(commit, revision)) fitting.push_back(std::move(commit));
    }
  }
  if (fitting.empty()) {
    return hub::RevisionNotFound(model, revision, folder, RevisionsIn(folder));
  }
  if (fitting.size() == 1) return fitting[0];
  return MakeError(absl::StatusCode::kInvalidArgument, "REVISION_AMBIGUOUS",
                   absl::StrCat("\"", revision, "\" is the beginning of ", fitting.size(),
                                " commits of ", model, " in ", folder),
                   "give more digits of the commit");
}

}  // namespace

HuggingFaceCache::HuggingFaceCache(std::string hub_folder, DigestCache* digests)
    : hub_folder_(std::move(hub_folder)), digests_(digests) {}

absl::StatusOr<std::string> HuggingFaceCache::FindFolder(const std::string& model) const {
  std::string folder;
  std::error_code error;
  if (hub::IsRepoId(model)) {
    folder = absl::StrCat(hub_folder_, "/models--", absl::StrReplaceAll(model, {{"/", "--"}}));
    fs::path found = fs::canonical(folder, error);
    if (!error && fs::is_directory(found, error)) return found.string();
  }
  std::string message = folder.empty() ? absl::StrCat("\"", absl::CHexEscape(model.substr(0, 100)),
                                                      "\" is not a Hugging Face repo id")
                                       : absl::StrCat("there is no folder ", folder);
  return MakeError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", message,
                   "download the model into this cache, or name another cache");
}

absl::StatusOr<ResolvedCheckpoint> HuggingFaceCache::Resolve(const std::string& model,
                                                             const std::string& revision) {
  std::string wanted = revision.empty() ? "main" : revision;
  if (!hub::IsSafeRelativePath(wanted)) return hub::RevisionInvalid(model, revision);
  absl::StatusOr<std::string> folder = FindFolder(model);
  if (!folder.ok()) return folder.status();
  absl::StatusOr<std::string> commit = FindCommit(model, wanted, *folder);
  if (!commit.ok()) return commit.status();
  std::string snapshot = absl::StrCat(*folder, "/snapshots/", *commit);
  std::error_code error;
  if (!fs::is_directory(snapshot, error)) {
    return MakeError(absl::StatusCode::kNotFound, "CHECKPOINT_INCOMPLETE",
                     absl::StrCat("revision ", wanted, " of ", model, " is the commit ", *commit,
                                  ", but ", snapshot, " does not exist"),
                     "download the revision");
  }
  return ReadCheckpoint(model, wanted, *commit, snapshot, digests_);
}

absl::StatusOr<std::vector<std::string>> HuggingFaceCache::ListRevisions(const std::string& model) {
  absl::StatusOr<std::string> folder = FindFolder(model);
  if (!folder.ok()) return folder.status();
  return RevisionsIn(*folder);
}

}  // namespace ondelette
