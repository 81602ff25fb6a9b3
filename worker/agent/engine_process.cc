#include "worker/agent/engine_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "worker/engine/frames/frame.h"

namespace ondelette::agent {
namespace {

constexpr size_t kKeptLines = 8;
constexpr size_t kLongestLine = 500;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

bool OpenPipe(Pipe& pipe) {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return false;
  pipe.read = FileDescriptor(fds[0]);
  pipe.write = FileDescriptor(fds[1]);
  return true;
}

struct ChildFiles {
  int input;
  int output;
  int errors;
  int exec_failed;
};

// Runs in the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void RunChild(char* const* arguments, const ChildFiles& files, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
  dup2(files.input, STDIN_FILENO);
  dup2(files.output, STDOUT_FILENO);
  dup2(files.errors, STDERR_FILENO);
  // Whatever libraries of the parent opened without close-on-exec stays out of the engine.
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execv(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] ssize_t written = write(files.exec_failed, &error, sizeof(error));
  _exit(127);
}

// glibc 2.36 declares pidfd_open without extern "C", so that C++ cannot link it.
int OpenPidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

absl::Status CannotRun(const std::string& program, int error) {
  return MakeError(
      error == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition,
      "ENGINE_UNAVAILABLE",
      absl::StrCat("cannot run the engine ", program, ": ", std::strerror(error)),
      "build ondelette-engine beside ondelette-worker, or name it with --engine");
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

std::string ProcessEnd::Text() const {
  if (signal != 0)
    return absl::StrCat("was ended by signal ", signal, " (", strsignal(signal), ")");
  return absl::StrCat("ended with exit status ", exit_status);
}

absl::StatusOr<std::unique_ptr<EngineProcess>> EngineProcess::Start(
    const std::vector<std::string>& arguments) {
  Pipe input;
  Pipe output;
  Pipe errors;
  Pipe exec_failed;
  if (!OpenPipe(input) || !OpenPipe(output) || !OpenPipe(errors) || !OpenPipe(exec_failed)) {
    return CannotRun(arguments[0], errno);
  }
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return CannotRun(arguments[0], errno);
  if (child == 0) {
    RunChild(pointers.data(),
             {input.read.get(), output.write.get(), errors.write.get(), exec_failed.write.get()},
             parent);
  }
  std::unique_ptr<EngineProcess> process(new EngineProcess());
  process->pid_ = child;
  process->handle_ = FileDescriptor(OpenPidfd(child));
  process->input_ = std::move(input.write);
  process->output_ = std::move(output.read);
  process->errors_ = std::move(errors.read);
  process->wake_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  fcntl(process->errors_.get(), F_SETFL, O_NONBLOCK);
  input.read.Close();
  output.write.Close();
  errors.write.Close();
  exec_failed.write.Close();
  process->watcher_ = std::thread([raw = process.get()] { raw->WatchOutput(); });
  int error = 0;  // an end of file: exec closed the pipe, the program runs
  if (read(exec_failed.read.get(), &error, sizeof(error)) == sizeof(error)) {
    return CannotRun(arguments[0], error);
  }
  return process;
}

EngineProcess::~EngineProcess() { Finish(absl::ZeroDuration()); }

bool EngineProcess::WaitFor(absl::Duration time) const {
  const absl::Time end = absl::Now() + time;
  while (true) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid_) {
      return true;
    }
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd entry{handle_.get(), POLLIN, 0};
    poll(&entry, 1, static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1000)));
  }
}

bool EngineProcess::Running() const {
  {
    std::lock_guard lock(mutex_);
    if (reaped_ || end_.by_us || end_.by_watchdog) return false;  // about to end, if not ended
  }
  return !WaitFor(absl::ZeroDuration());
}

void EngineProcess::KillAfter(absl::Duration silence) {
  {
    std::lock_guard lock(mutex_);
    if (silence == absl::InfiniteDuration()) {
      deadline_.reset();
      return;  // a late wake-up finds nothing to do
    }
    deadline_ = Clock::now() + absl::ToChronoMilliseconds(silence);
  }
  eventfd_write(wake_.get(), 1);
}

void EngineProcess::Kill() {
  std::lock_guard lock(mutex_);
  if (reaped_) return;
  end_.by_us = true;
  Signal();
}

void EngineProcess::Signal() {
  // Not reaped yet, so the number cannot have passed to another process.
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
}

absl::Status EngineProcess::Write(const nlohmann::json& header, absl::string_view payload) {
  std::lock_guard lock(input_mutex_);
  if (input_.get() < 0) return absl::AbortedError("the engine's input is closed");
  return WriteFrame(input_.get(), header, payload);
}

ProcessEnd EngineProcess::Finish(absl::Duration grace) {
  if (!reaped_) {
    {
      std::lock_guard lock(input_mutex_);
      input_.Close();  // the engine ends at the end of its input
    }
    const bool overdue = !WaitFor(grace);
    int status = 0;
    if (overdue) {
      std::lock_guard lock(mutex_);
      end_.overdue = true;
      Signal();
    }
    {
      // Blocking is safe: it has ended, or SIGKILL is on its way.
      siginfo_t info{};
      waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
      std::lock_guard lock(mutex_);
      kill(-pid_, SIGKILL);  // what it may have left behind in its group
      waitpid(pid_, &status, 0);
      reaped_ = true;
      stop_ = true;
      end_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      end_.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
    eventfd_write(wake_.get(), 1);
    watcher_.join();
    output_.Close();
    end_.last_words = absl::StrJoin(last_lines_, "\n");
  }
  return end_;
}

void EngineProcess::WatchOutput() {
  bool open = true;
  while (true) {
    int timeout = -1;
    {
      std::lock_guard lock(mutex_);
      if (stop_) break;
      if (deadline_.has_value()) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - Clock::now());
        if (left.count() <= 0) {
          end_.by_watchdog = true;
          deadline_.reset();
          Signal();
        } else {
          timeout = static_cast<int>(std::min<int64_t>(left.count() + 1, 1 << 30));
        }
      }
    }
    std::array<pollfd, 2> entries{pollfd{wake_.get(), POLLIN, 0},
                                  pollfd{open ? errors_.get() : -1, POLLIN, 0}};
    poll(entries.data(), entries.size(), timeout);
    if (entries[0].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(wake_.get(), &count);
    }
    if (entries[1].revents != 0) open = ReadErrors();
  }
  if (open) ReadErrors();
  if (!partial_line_.empty()) TakeLine(partial_line_);
}

bool EngineProcess::ReadErrors() {
  // At most so much at once: a flood of log lines must not keep the watchdog from its clock.
  constexpr int kPieces = 64;
  std::array<char, 4096> buffer{};
  for (int piece = 0; piece < kPieces; ++piece) {
    const ssize_t got = read(errors_.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    for (char c : absl::string_view(buffer.data(), static_cast<size_t>(got))) {
      if (c != '\n') partial_line_.push_back(c);
      if (c == '\n' || partial_line_.size() >= kLongestLine) {
        TakeLine(partial_line_);
        partial_line_.clear();
      }
    }
  }
  return true;
}

void EngineProcess::TakeLine(absl::string_view line) {
  const std::string text = absl::StrCat("engine: ", line, "\n");
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  last_lines_.emplace_back(line);
  if (last_lines_.size() > kKeptLines) last_lines_.pop_front();
}

}  // namespace ondelette::agent
