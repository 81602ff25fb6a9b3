#include "client/commands/input_file.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::client {

absl::StatusOr<std::ifstream> OpenInput(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  // A folder opens, and only fails to be read.
  if (file && !std::filesystem::is_directory(path, error)) return file;
  return MakeError(absl::StatusCode::kNotFound, "FILE_UNREADABLE",
                   absl::StrCat("cannot read ", path));
}

}  // namespace ondelette::client
