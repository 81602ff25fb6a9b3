// ondelette-server: the coordinator. Exit status: 0 after SIGTERM or SIGINT, 1 where it cannot
// serve, 2 for a fault in its flags.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/errors/errors.h"
#include "server/coordinator.h"
#include "server/version.h"

namespace ondelette::server {
namespace {

struct Flags {
  CoordinatorOptions coordinator;
  double lease_seconds = 30;
  std::string port_file;
  bool exit_with_parent = false;
};

void AddFlags(CLI::App& app, Flags& flags) {
  CoordinatorOptions& options = flags.coordinator;
  app.set_version_flag("--version", absl::StrCat("ondelette-server ", kVersion));
  app.add_option("--store", options.store, "SQLite file that holds everything")
      ->capture_default_str();
  app.add_option("--store-max-bytes", options.store_max_bytes, "size the file may grow to; 0: any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--listen", options.listen, "gRPC address; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--metrics-listen", options.metrics_listen,
                 "address of /metrics for Prometheus; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--lease-seconds", flags.lease_seconds,
                 "a worker not heard for so long has lost its jobs")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--port-file", flags.port_file,
                 "file to write the bound addresses to, gRPC's on the first line, /metrics' on "
                 "the second");
  app.add_flag("--exit-with-parent", flags.exit_with_parent,
               "stop when the process that started this one ends");
}

// Written beside and renamed, so that a reader never sees half of it.
absl::Status WritePortFile(const std::string& path, const Coordinator& coordinator) {
  const std::string beside = path + ".tmp";
  const std::string text =
      absl::StrCat(coordinator.address(), "\n", coordinator.metrics_address(), "\n");
  std::FILE* file = std::fopen(beside.c_str(), "w");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  written = (file != nullptr && std::fclose(file) == 0) && written;
  if (written && std::rename(beside.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "PORT_FILE",
                   absl::StrCat("cannot write ", path), "name another file with --port-file");
}

int Fail(const absl::Status& status) {
  std::cerr << "ondelette-server: " << ErrorText(status) << "\n";
  return 1;
}

int Serve(const Flags& flags) {
  // Blocked in every thread from the start, and waited for below: no handler, no race.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // Debian builds Abseil with a check of the order of locks that takes a tenth of gRPC's time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (flags.exit_with_parent) {
    const pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    // It may have ended before the line above.
    if (getppid() != parent) return 0;
  }
  auto coordinator = Coordinator::Start(flags.coordinator);
  if (!coordinator.ok()) return Fail(coordinator.status());
  if (!flags.port_file.empty()) {
    if (absl::Status status = WritePortFile(flags.port_file, **coordinator); !status.ok())
      return Fail(status);
  }
  std::cerr << "ondelette-server " << kVersion << ": serving on " << (*coordinator)->address()
            << ", /metrics on " << (*coordinator)->metrics_address() << ", store "
            << flags.coordinator.store << "\n";
  int signal = 0;
  sigwait(&signals, &signal);
  std::cerr << "ondelette-server: leaving\n";
  (*coordinator)->Drain();
  if (!flags.port_file.empty()) unlink(flags.port_file.c_str());
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("The coordinator of Ondelette: plans sweeps, leases jobs, keeps results.",
               "ondelette-server");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  flags.coordinator.lease_time = absl::Seconds(flags.lease_seconds);
  return Serve(flags);
}

}  // namespace
}  // namespace ondelette::server

int main(int argc, char** argv) { return ondelette::server::Main(argc, argv); }
