// A text file that appears whole or not at all, or standard output.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_OUTPUT_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_OUTPUT_H_

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::engine {

// Not thread-safe. A regular file is written beside its place, as PATH.partial, and takes its name
// in Finish(); without Finish() it is removed. Anything else that exists under the path (a pipe,
// /dev/null) is written to directly. Errors name the file: OUTPUT_UNWRITABLE.
class Output {
 public:
  // "" is standard output.
  static absl::StatusOr<std::unique_ptr<Output>> Open(const std::string& path);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  absl::Status Write(absl::string_view text);
  // Flushes (a file to the disk) and gives the file its name. Nothing may be written afterwards.
  absl::Status Finish();

 private:
  Output(std::string name, std::string partial, FILE* file)
      : name_(std::move(name)), partial_(std::move(partial)), file_(file) {}
  absl::Status Failed(absl::string_view doing) const;

  std::string name_;     // for messages
  std::string partial_;  // the file being written, "" where there is nothing to rename
  FILE* file_;
};

// A small file in one go.
absl::Status WriteWholeFile(const std::string& path, absl::string_view text);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_OUTPUT_H_
