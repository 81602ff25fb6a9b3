#include "worker/hub/model_resolver.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/hub/revision_names.h"

namespace ondelette {
namespace {

int Closeness(const absl::Status& status) {
  std::string reason = ErrorReason(status);
  if (reason == "CHECKPOINT_INCOMPLETE") return 2;
  return reason == "REVISION_NOT_FOUND" ? 1 : 0;
}

// One NOT_FOUND that says what every source said.
absl::Status Combined(const std::string& what, const std::vector<absl::Status>& statuses) {
  if (statuses.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND",
                     absl::StrCat("cannot find ", what, ": no place to look for models is set"),
                     "name a folder of models or a Hugging Face cache");
  }
  const absl::Status* closest = &statuses[0];
  std::string message = absl::StrCat("cannot find ", what, ": ");
  const char* separator = "";
  for (const absl::Status& status : statuses) {
    absl::StrAppend(&message, separator, status.message());
    separator = "; ";
    if (Closeness(status) > Closeness(*closest)) closest = &status;
  }
  return MakeError(absl::StatusCode::kNotFound, ErrorReason(*closest), message,
                   ErrorRemedy(*closest));
}

}  // namespace

ModelResolver::ModelResolver(std::vector<std::unique_ptr<ModelSource>> sources)
    : sources_(std::move(sources)) {}

absl::StatusOr<ResolvedCheckpoint> ModelResolver::Resolve(const std::string& model,
                                                          const std::string& revision) {
  std::vector<absl::Status> statuses;
  for (const std::unique_ptr<ModelSource>& source : sources_) {
    absl::StatusOr<ResolvedCheckpoint> found = source->Resolve(model, revision);
    if (!absl::IsNotFound(found.status())) return found;
    statuses.push_back(found.status());
  }
  return Combined(absl::StrCat(model, " at ", revision.empty() ? "main" : revision), statuses);
}

absl::StatusOr<std::vector<std::string>> ModelResolver::ListRevisions(const std::string& model) {
  std::set<std::string> names;
  std::vector<absl::Status> statuses;
  for (const std::unique_ptr<ModelSource>& source : sources_) {
    absl::StatusOr<std::vector<std::string>> some = source->ListRevisions(model);
    if (some.ok()) {
      names.insert(some->begin(), some->end());
    } else if (absl::IsNotFound(some.status())) {
      statuses.push_back(some.status());
    } else {
      return some.status();
    }
  }
  if (statuses.size() == sources_.size()) return Combined(model, statuses);
  std::vector<std::string> revisions(names.begin(), names.end());
  hub::SortNaturally(&revisions);
  return revisions;
}

}  // namespace ondelette
