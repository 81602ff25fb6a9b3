// Names of models and revisions: what is a safe one, their natural order, and which are near a
// mistyped one.
#ifndef ONDELETTE_WORKER_HUB_REVISION_NAMES_H_
#define ONDELETTE_WORKER_HUB_REVISION_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ondelette::hub {

// Whether a name, appended to a folder, stays below it: components between single slashes, none of
// them empty, "." or "..", no control characters, no backslash, at most 255 bytes in all.
bool IsSafeRelativePath(absl::string_view name);

// Whether a name is a Hugging Face repo id: NAME or OWNER/NAME of letters, digits, '.', '_' and
// '-', neither starting nor ending with '.' or '-', and without ".." or "--" (which would be
// mistaken for the cache's own separators).
bool IsRepoId(absl::string_view name);

// Sorts with runs of digits as numbers: step2 before step10.
void SortNaturally(std::vector<std::string>* names);

// NOT_FOUND (REVISION_NOT_FOUND): `model` has no `revision` in `place`; names the nearest of
// `known` and how many there are.
absl::Status RevisionNotFound(const std::string& model, const std::string& revision,
                              const std::string& place, std::vector<std::string> known);

// INVALID_ARGUMENT (REVISION_INVALID): `revision` is not a name that a revision may have.
absl::Status RevisionInvalid(const std::string& model, const std::string& revision);

}  // namespace ondelette::hub

#endif  // ONDELETTE_WORKER_HUB_REVISION_NAMES_H_
