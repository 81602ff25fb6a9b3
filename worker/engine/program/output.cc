#include "worker/engine/program/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

absl::Status Unwritable(absl::string_view name, absl::string_view doing, int error) {
  const absl::StatusCode code = error == ENOSPC || error == EDQUOT
                                    ? absl::StatusCode::kResourceExhausted
                                    : absl::StatusCode::kFailedPrecondition;
  return MakeError(code, "OUTPUT_UNWRITABLE",
                   absl::StrCat(name, ": cannot ", doing, ": ", std::strerror(error)),
                   "choose a place that can be written and has room");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Output>> Output::Open(const std::string& path) {
  if (path.empty()) {
    return std::unique_ptr<Output>(new Output("standard output", "", stdout));
  }
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const bool direct = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  const std::string partial = direct ? "" : path + ".partial";
  FILE* file = std::fopen(direct ? path.c_str() : partial.c_str(), "we");
  if (file == nullptr) return Unwritable(path, "create it", errno);
  return std::unique_ptr<Output>(new Output(path, partial, file));
}

Output::~Output() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  if (!partial_.empty()) unlink(partial_.c_str());
}

absl::Status Output::Failed(absl::string_view doing) const {
  return Unwritable(name_, doing, errno);
}

absl::Status Output::Write(absl::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return Failed("write");
  return absl::OkStatus();
}

absl::Status Output::Finish() {
  if (std::fflush(file_) != 0) return Failed("write");
  if (!partial_.empty() && fsync(fileno(file_)) != 0) return Failed("write");
  if (file_ == stdout) return absl::OkStatus();
  const int closed = std::fclose(file_);
  file_ = nullptr;
  if (closed != 0) return Failed("write");
  if (partial_.empty()) return absl::OkStatus();
  if (std::rename(partial_.c_str(), name_.c_str()) != 0) return Failed("give it its name");
  partial_.clear();
  return absl::OkStatus();
}

absl::Status WriteWholeFile(const std::string& path, absl::string_view text) {
  absl::StatusOr<std::unique_ptr<Output>> output = Output::Open(path);
  if (!output.ok()) return output.status();
  if (absl::Status status = (*output)->Write(text); !status.ok()) return status;
  return (*output)->Finish();
}

}  // namespace ondelette::engine
