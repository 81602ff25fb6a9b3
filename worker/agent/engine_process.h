// The engine's process: two pipes for frames, its stderr, a watchdog, and how it ended.
#ifndef ONDELETTE_WORKER_AGENT_ENGINE_PROCESS_H_
#define ONDELETTE_WORKER_AGENT_ENGINE_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ondelette::agent {

// An open file, closed with its owner.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  int get() const { return fd_; }
  void Close();

 private:
  int fd_;
};

// How a process ended.
struct ProcessEnd {
  bool by_watchdog = false;  // it was silent for too long
  bool by_us = false;        // Kill
  bool overdue = false;      // it still ran when Finish had waited long enough
  int signal = 0;            // that ended it; 0 if it exited by itself
  int exit_status = 0;       // where signal is 0
  std::string last_words;    // the last lines of its stderr

  // "was ended by signal 11 (Segmentation fault)", "ended with exit status 3".
  std::string Text() const;
};

// A child in a process group of its own, so that a terminal's Ctrl-C does not reach it and its own
// children end with it. It dies with the thread that started it (PR_SET_PDEATHSIG follows threads):
// start it on a thread that lives as long as it is wanted.
//
// Its stderr is forwarded line by line to this process's with the prefix "engine: "; the last lines
// are kept. Write, Kill and KillAfter are thread-safe; the rest belongs to one thread at a time.
class EngineProcess {
 public:
  // Runs arguments[0] with the rest. NOT_FOUND or FAILED_PRECONDITION naming the program where it
  // cannot be run.
  static absl::StatusOr<std::unique_ptr<EngineProcess>> Start(
      const std::vector<std::string>& arguments);
  // Kills it if it still runs.
  ~EngineProcess();
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;

  int output() const { return output_.get(); }  // its stdout: frames are read here
  pid_t pid() const { return pid_; }

  // Writes a frame to its stdin. Errors are WriteFrame's; ABORTED after Finish.
  absl::Status Write(const nlohmann::json& header, absl::string_view payload = "");

  bool Running() const;

  // The watchdog: kills the process when `silence` has passed before the next call. An infinite
  // duration disarms it. It covers writes as well as reads: a process that reads nothing blocks its
  // writer, and its death sets the writer free.
  void KillAfter(absl::Duration silence);
  void Kill();

  // Waits until it has ended, for `grace` at most, then kills it; closes the pipes.
  ProcessEnd Finish(absl::Duration grace);

 private:
  using Clock = std::chrono::steady_clock;

  EngineProcess() = default;
  void WatchOutput();  // the thread: stderr and the watchdog
  bool ReadErrors();   // what stderr has now; false at its end
  void TakeLine(absl::string_view line);
  void Signal();  // SIGKILL to the group; mutex_ held
  bool WaitFor(absl::Duration time) const;

  std::mutex input_mutex_;
  FileDescriptor input_;  // guarded by input_mutex_
  FileDescriptor output_;
  FileDescriptor errors_;
  FileDescriptor wake_;    // eventfd: the watchdog's time changed, or stop
  FileDescriptor handle_;  // pidfd
  pid_t pid_ = -1;

  mutable std::mutex mutex_;
  std::optional<Clock::time_point> deadline_;
  bool stop_ = false;
  bool reaped_ = false;
  ProcessEnd end_;
  std::deque<std::string> last_lines_;
  std::string partial_line_;
  std::thread watcher_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_ENGINE_PROCESS_H_
