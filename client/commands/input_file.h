// Files that people name on the command line.
#ifndef ONDELETTE_CLIENT_COMMANDS_INPUT_FILE_H_
#define ONDELETTE_CLIENT_COMMANDS_INPUT_FILE_H_

#include <fstream>
#include <string>

#include "absl/status/statusor.h"

namespace ondelette::client {

// The file, opened for its bytes. NOT_FOUND (FILE_UNREADABLE) naming it, where that fails or it is
// a folder.
absl::StatusOr<std::ifstream> OpenInput(const std::string& path);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_INPUT_FILE_H_
