#include "worker/engine/checkpoint/file_errors.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {

absl::Status CorruptFile(absl::string_view file, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_CORRUPT",
                   absl::StrCat(file, ": ", what),
                   "the file is damaged or incomplete: fetch it again");
}

absl::Status UnsupportedFile(absl::string_view file, absl::string_view what,
                             absl::string_view remedy) {
  return MakeError(absl::StatusCode::kUnimplemented, "CHECKPOINT_UNSUPPORTED",
                   absl::StrCat(file, ": ", what), remedy);
}

absl::Status IncompleteCheckpoint(absl::string_view file, absl::string_view what,
                                  absl::string_view remedy) {
  return MakeError(absl::StatusCode::kNotFound, "CHECKPOINT_INCOMPLETE",
                   absl::StrCat(file, ": ", what), remedy);
}

absl::Status SystemError(absl::string_view file, absl::string_view doing, int error_number) {
  std::string text = std::generic_category().message(error_number);
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return IncompleteCheckpoint(file, absl::StrCat(doing, ": ", text),
                                "give the folder that holds config.json and the weights");
  }
  // absl gives codes that would be retried to links that form a loop and to names that are too
  // long; neither gets better.
  absl::StatusCode code = error_number == ELOOP || error_number == ENAMETOOLONG
                              ? absl::StatusCode::kFailedPrecondition
                              : absl::ErrnoToStatusCode(error_number);
  return MakeError(code, "CHECKPOINT_UNREADABLE", absl::StrCat(file, ": ", doing, ": ", text),
                   "see that the file can be read and that the disk works");
}

}  // namespace ondelette
