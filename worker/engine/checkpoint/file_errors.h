// The errors of a file that cannot be used, worded alike by every reader: "FILE: what is wrong".
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_FILE_ERRORS_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_FILE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// DATA_LOSS CHECKPOINT_CORRUPT: the file contradicts itself or its format.
absl::Status CorruptFile(absl::string_view file, absl::string_view what);

// UNIMPLEMENTED CHECKPOINT_UNSUPPORTED: a file of a kind that is not read, and what to do.
absl::Status UnsupportedFile(absl::string_view file, absl::string_view what,
                             absl::string_view remedy);

// NOT_FOUND CHECKPOINT_INCOMPLETE: something that should be there is not.
absl::Status IncompleteCheckpoint(absl::string_view file, absl::string_view what,
                                  absl::string_view remedy);

// A system call on `file` failed with `error_number`: NOT_FOUND CHECKPOINT_INCOMPLETE where the
// file is not there, otherwise the code absl gives that errno, with CHECKPOINT_UNREADABLE.
absl::Status SystemError(absl::string_view file, absl::string_view doing, int error_number);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_FILE_ERRORS_H_
