// Child processes of `ondelette run`: the private coordinator and worker. They end when the CLI
// ends, however it ends.
#ifndef ONDELETTE_CLIENT_PROCESS_CHILD_H_
#define ONDELETTE_CLIENT_PROCESS_CHILD_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ondelette::client {

// A running child. Its destructor stops it: SIGTERM, and SIGKILL if it takes too long.
class Child {
 public:
  // Starts a program with its output appended to a log file. Ctrl-C on the terminal reaches only
  // the CLI.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& command,
                                     const std::string& log);

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // OK while it runs, else INTERNAL with its exit status and the log to read.
  absl::Status Running();
  void Stop(absl::Duration patience = absl::Seconds(10));

 private:
  Child(pid_t pid, std::string name, std::string log);

  pid_t pid_;
  std::string name_;
  std::string log_;
};

// The folder of the running program: the others lie beside it.
std::string ProgramFolder();

// Waits until a child has written its port file; its contents, one line.
absl::StatusOr<std::string> WaitForFile(const std::string& path, Child& child,
                                        absl::Duration patience);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_PROCESS_CHILD_H_
