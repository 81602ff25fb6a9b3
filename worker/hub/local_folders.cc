#include "worker/hub/local_folders.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "worker/hub/checkpoint_files.h"
#include "worker/hub/revision_names.h"

namespace ondelette {
namespace {

constexpr size_t kMaxPathBytes = 4096;

bool IsPath(const std::string& model) {
  return absl::StartsWith(model, "/") || absl::StartsWith(model, "./") ||
         absl::StartsWith(model, "../") || model == "." || model == "..";
}

std::vector<std::string> RevisionsIn(const std::string& folder) {
  std::vector<std::string> revisions;
  if (IsCheckpointFolder(folder)) revisions.push_back("main");
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    bool is_new = revisions.empty() || name != "main" || revisions[0] != "main";
    if (is_new && IsCheckpointFolder(entry->path().string())) revisions.push_back(name);
  }
  hub::SortNaturally(&revisions);
  return revisions;
}

}  // namespace

LocalFolders::LocalFolders(std::string models_root, DigestCache* digests)
    : models_root_(std::move(models_root)), digests_(digests) {}

absl::StatusOr<std::string> LocalFolders::FindFolder(const std::string& model) const {
  std::vector<std::string> places;
  if (IsPath(model)) {
    places = {model};
  } else if (hub::IsSafeRelativePath(model)) {
    if (!models_root_.empty()) places.push_back(absl::StrCat(models_root_, "/", model));
    places.push_back(absl::StrCat("./", model));
  }
  if (places.empty() || model.size() > kMaxPathBytes || model.find('\0') != std::string::npos) {
    return MakeError(absl::StatusCode::kInvalidArgument, "MODEL_INVALID",
                     absl::StrCat("\"", absl::CHexEscape(model.substr(0, 100)),
                                  "\" is not a model's name: a repo id or a folder's path"));
  }
  for (const std::string& place : places) {
    std::error_code error;
    if (!std::filesystem::is_directory(place, error)) continue;
    std::filesystem::path folder = std::filesystem::canonical(place, error);
    if (!error) return folder.string();
  }
  return MakeError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND",
                   absl::StrCat("there is no folder ", absl::StrJoin(places, " or ")),
                   "give a folder's path, or a repo id that has been downloaded");
}

absl::StatusOr<ResolvedCheckpoint> LocalFolders::Resolve(const std::string& model,
                                                         const std::string& revision) {
  std::string wanted = revision.empty() ? "main" : revision;
  if (!hub::IsSafeRelativePath(wanted)) return hub::RevisionInvalid(model, revision);
  absl::StatusOr<std::string> folder = FindFolder(model);
  if (!folder.ok()) return folder.status();
  if (wanted == "main" && IsCheckpointFolder(*folder)) {
    return ReadCheckpoint(model, wanted, /*commit=*/"", *folder, digests_);
  }
  std::string below = absl::StrCat(*folder, "/", wanted);
  if (IsCheckpointFolder(below)) {
    return ReadCheckpoint(model, wanted, /*commit=*/"", below, digests_);
  }
  return hub::RevisionNotFound(model, wanted, absl::StrCat("the folder ", *folder),
                               RevisionsIn(*folder));
}

absl::StatusOr<std::vector<std::string>> LocalFolders::ListRevisions(const std::string& model) {
  absl::StatusOr<std::string> folder = FindFolder(model);
  if (!folder.ok()) return folder.status();
  return RevisionsIn(*folder);
}

}  // namespace ondelette
