#include "client/process/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"

namespace ondelette::client {
namespace {

std::string ExitText(int status) {
  if (WIFSIGNALED(status)) return absl::StrCat("was ended by signal ", WTERMSIG(status));
  return absl::StrCat("ended with status ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<Child> Child::Start(const std::vector<std::string>& command,
                                   const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  int error =
      posix_spawn(&pid, command[0].c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return MakeError(absl::StatusCode::kInternal, "CHILD_NOT_STARTED",
                     absl::StrCat("cannot start ", command[0], ": ", std::strerror(error)),
                     "build or install it beside the ondelette program");
  }
  return Child(pid, std::filesystem::path(command[0]).filename().string(), log);
}

Child::Child(pid_t pid, std::string name, std::string log)
    : pid_(pid), name_(std::move(name)), log_(std::move(log)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      name_(std::move(other.name_)),
      log_(std::move(other.log_)) {}

Child::~Child() { Stop(); }

absl::Status Child::Running() {
  if (pid_ == 0) return absl::InternalError(absl::StrCat(name_, " has been stopped"));
  int status = 0;
  pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended == 0) return absl::OkStatus();
  pid_ = 0;
  return MakeError(absl::StatusCode::kInternal, "CHILD_ENDED",
                   absl::StrCat(name_, " ", ExitText(status)), absl::StrCat("its log is ", log_));
}

void Child::Stop(absl::Duration patience) {
  if (pid_ == 0) return;
  kill(pid_, SIGTERM);
  absl::Time deadline = absl::Now() + patience;
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (absl::Now() > deadline) kill(pid_, SIGKILL);
    absl::SleepFor(absl::Milliseconds(10));
  }
  pid_ = 0;
}

std::string ProgramFolder() {
  std::error_code error;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().string();
}

absl::StatusOr<std::string> WaitForFile(const std::string& path, Child& child,
                                        absl::Duration patience) {
  absl::Time deadline = absl::Now() + patience;
  while (absl::Now() < deadline) {
    std::ifstream file(path);
    std::string line;
    if (std::getline(file, line) && !line.empty() && !file.eof()) return line;
    if (absl::Status status = child.Running(); !status.ok()) return status;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::DeadlineExceededError(absl::StrCat("nothing wrote ", path));
}

}  // namespace ondelette::client
