#include "worker/agent/checkpoint_shelf.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "worker/agent/log.h"
#include "worker/agent/utf8.h"

namespace ondelette::agent {
namespace {

// Names of the files that differ between the two, or of all where the old ones are not known.
std::string ChangedFiles(const ResolvedCheckpoint* before, const ResolvedCheckpoint& now) {
  std::vector<std::string> names;
  for (const CheckpointFile& file : now.files) {
    const bool same = before != nullptr && std::any_of(before->files.begin(), before->files.end(),
                                                       [&file](const CheckpointFile& other) {
                                                         return other.name == file.name &&
                                                                other.sha256 == file.sha256;
                                                       });
    if (!same) names.push_back(file.name);
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

v1::ResolvedCheckpoint CheckpointMessage(const ResolvedCheckpoint& checkpoint) {
  v1::ResolvedCheckpoint message;
  message.set_digest(checkpoint.digest);
  message.set_weights_digest(checkpoint.weights_digest);
  message.set_commit(checkpoint.commit);
  for (const CheckpointFile& file : checkpoint.files) {
    v1::CheckpointFile* entry = message.add_files();
    entry->set_name(ToUtf8({file.name.data(), file.name.size()}));
    entry->set_bytes(file.bytes);
    entry->set_sha256(file.sha256);
  }
  return message;
}

CheckpointShelf::CheckpointShelf(ModelSource* source, DigestCache* digests)
    : source_(source), digests_(digests) {}

absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> CheckpointShelf::Resolve(
    const std::string& model, const std::string& revision) {
  absl::StatusOr<ResolvedCheckpoint> resolved = source_->Resolve(model, revision);
  if (absl::Status saved = digests_->Save(); !saved.ok()) {
    Log(absl::StrCat("digests are not kept for the next start: ", saved.message()));
  }
  if (!resolved.ok()) return resolved.status();
  auto checkpoint = std::make_shared<const ResolvedCheckpoint>(*std::move(resolved));
  Remember(checkpoint);
  return checkpoint;
}

absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> CheckpointShelf::ResolveExpected(
    const std::string& model, const std::string& revision, const std::string& digest) {
  absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> found = Resolve(model, revision);
  if (!found.ok() || (*found)->digest == digest) return found;
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CHECKPOINT_CHANGED",
      absl::StrCat("the files of ", model, " ", revision, " in ", (*found)->folder,
                   " are not those that the sweep was planned with: ",
                   ChangedFiles(Find(digest).get(), **found), " (digest ", (*found)->digest,
                   " where ", digest, " was expected)"),
      "restore the files, or submit a new sweep; every worker must see the same files");
}

void CheckpointShelf::Remember(const std::shared_ptr<const ResolvedCheckpoint>& checkpoint) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const auto& other) { return other->digest == checkpoint->digest; });
  kept_.push_front(checkpoint);
  if (kept_.size() > kMostKept) kept_.pop_back();
}

std::shared_ptr<const ResolvedCheckpoint> CheckpointShelf::Find(absl::string_view digest) const {
  std::lock_guard lock(mutex_);
  for (const auto& checkpoint : kept_) {
    if (checkpoint->digest == digest) return checkpoint;
  }
  return nullptr;
}

std::vector<std::string> CheckpointShelf::Digests() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> digests;
  for (const auto& checkpoint : kept_) digests.push_back(checkpoint->digest);
  return digests;
}

}  // namespace ondelette::agent
