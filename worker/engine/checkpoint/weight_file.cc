#include "worker/engine/checkpoint/weight_file.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "worker/engine/checkpoint/file_errors.h"

namespace ondelette {

const TensorView* WeightFile::Find(absl::string_view name) const {
  const std::vector<TensorView>& all = tensors();
  auto found = std::lower_bound(
      all.begin(), all.end(), name,
      [](const TensorView& tensor, absl::string_view wanted) { return tensor.name < wanted; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

absl::StatusOr<MappedFile> MapWeights(const std::string& path) {
  absl::StatusOr<MappedFile> file = MappedFile::Open(path);
  if (file.ok() && absl::StartsWith(file->bytes(), "version https://git-lfs.github.com/")) {
    return IncompleteCheckpoint(path, "is a git-lfs pointer, not the weights themselves",
                                "run `git lfs pull` in the folder it comes from");
  }
  return file;
}

}  // namespace ondelette
