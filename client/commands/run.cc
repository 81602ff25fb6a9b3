// run: a sweep with a private coordinator and workers on this machine.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/commands/commands.h"
#include "client/commands/create_sweep.h"
#include "client/commands/watch.h"
#include "client/paper/table5.h"
#include "client/process/child.h"
#include "client/render/words.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

constexpr absl::Duration kStartPatience = absl::Seconds(30);
constexpr absl::Duration kControlsInterval = absl::Milliseconds(200);

struct RunFlags {
  SweepFlags sweep;
  std::string folder = "ondelette-run";
  std::vector<std::string> model_folders;
  std::string hub;
  std::string device = "auto";
  int workers = 1;
  int table = 0;
};

std::string InFolder(const RunFlags& flags, const std::string& name) {
  return (std::filesystem::path(flags.folder) / name).string();
}

// The private coordinator; its address goes into the session.
absl::StatusOr<Child> StartCoordinator(const RunFlags& flags, Session& session) {
  std::string port_file = InFolder(flags, "server.port");
  std::error_code error;
  std::filesystem::create_directories(flags.folder, error);
  if (error) {
    return MakeError(absl::StatusCode::kPermissionDenied, "FOLDER_UNWRITABLE",
                     absl::StrCat("cannot make the folder ", flags.folder, ": ", error.message()),
                     "name another with --folder");
  }
  std::filesystem::remove(port_file, error);
  absl::StatusOr<Child> server =
      Child::Start({ProgramFolder() + "/ondelette-server", "--store",
                    InFolder(flags, "ondelette.db"), "--listen", "127.0.0.1:0", "--metrics-listen",
                    "127.0.0.1:0", "--port-file", port_file, "--exit-with-parent"},
                   InFolder(flags, "server.log"));
  if (!server.ok()) return server;
  absl::StatusOr<std::string> address = WaitForFile(port_file, *server, kStartPatience);
  if (!address.ok()) return address.status();
  session.server = *address;
  return server;
}

absl::StatusOr<Child> StartWorker(const RunFlags& flags, const Session& session, int index) {
  std::vector<std::string> command{ProgramFolder() + "/ondelette-worker",
                                   "--server",
                                   session.server,
                                   "--metrics-listen",
                                   "127.0.0.1:0",
                                   "--device",
                                   flags.device,
                                   "--cache",
                                   InFolder(flags, "cache"),
                                   "--name",
                                   absl::StrCat("local-", index),
                                   "--exit-with-parent"};
  for (const std::string& folder : flags.model_folders) {
    command.emplace_back("--models");
    command.push_back(folder);
  }
  if (!flags.hub.empty()) {
    command.emplace_back("--hub");
    command.push_back(flags.hub);
  }
  return Child::Start(command, InFolder(flags, absl::StrCat("worker-", index, ".log")));
}

// The same command names the same sweep: what failed in an earlier run is tried again.
absl::StatusOr<v1::Sweep> CreateOrRetry(Session& session, const SweepFlags& flags) {
  absl::StatusOr<v1::Sweep> sweep = CreateSweep(session, flags);
  if (!sweep.ok() || sweep->state() != v1::SWEEP_STATE_FAILED) return sweep;
  std::cerr << "this sweep ended with failures before: trying those again\n";
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RetryFailedJobsRequest request;
  request.set_sweep(sweep->id());
  v1::RetryFailedJobsResponse response;
  absl::Status status =
      FromRpcStatus(session.sweeps().RetryFailedJobs(&context, request, &response));
  if (!status.ok()) return status;
  return response.sweep();
}

// A sweep may end before its controls are there: they are another worker's task, or have to be made
// again after an engine died with them.
absl::Status PrintTable(Session& session, const std::string& sweep,
                        const std::function<absl::Status()>& alive) {
  for (bool told = false;; told = true) {
    absl::Status status = PrintTable5(session, sweep, std::cout);
    if (ErrorReason(status) != "CONTROLS_PENDING") return status;
    if (!told) std::cerr << "waiting for the controls that stand beside the figures\n";
    if (status = alive(); !status.ok()) return status;
    absl::SleepFor(kControlsInterval);
  }
}

absl::Status RunSweep(Session& session, const RunFlags& flags) {
  absl::StatusOr<Child> server = StartCoordinator(flags, session);
  if (!server.ok()) return server.status();
  std::vector<Child> workers;
  for (int index = 1; index <= flags.workers; ++index) {
    absl::StatusOr<Child> worker = StartWorker(flags, session, index);
    if (!worker.ok()) return worker.status();
    workers.push_back(*std::move(worker));
  }
  absl::StatusOr<v1::Sweep> sweep = CreateOrRetry(session, flags.sweep);
  if (!sweep.ok()) return sweep.status();
  std::cerr << "sweep " << sweep->id() << " in " << flags.folder << ", logs beside it\n";
  auto alive = [&]() -> absl::Status {
    absl::Status status = server->Running();
    for (Child& worker : workers) status.Update(worker.Running());
    return status;
  };
  absl::StatusOr<WatchEnd> end = WatchSweep(session, sweep->id(), 0, alive);
  if (!end.ok()) return end.status();
  if (end->detached) {
    std::cerr
        << "stopped: nothing that was committed is lost. The same command goes on from here\n";
    session.exit_code = kExitDetached;
    return absl::OkStatus();
  }
  session.exit_code = ExitCodeOf(end->state);
  std::cerr << "sweep " << sweep->id() << ' ' << StateWord(end->state) << '\n';
  return flags.table == 5 ? PrintTable(session, sweep->id(), alive) : absl::OkStatus();
}

}  // namespace

void AddRunCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* run = app.add_subcommand(
      "run", "Run a sweep on this machine, with a coordinator and workers of its own");
  AddSweepFlags(*run, flags->sweep);
  run->add_option("--folder", flags->folder, "Where the store, the logs and the cache lie")
      ->capture_default_str();
  run->add_option("--models-folder", flags->model_folders, "A folder of model folders (repeatable)")
      ->allow_extra_args(false);
  run->add_option("--hub", flags->hub, "A Hugging Face cache folder; the usual one if left out");
  run->add_option("--device", flags->device, "auto, cpu or cuda:N")->capture_default_str();
  run->add_option("--workers", flags->workers, "Worker processes")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  run->add_option("--table", flags->table, "Print this table of the paper at the end: 5")
      ->check(CLI::IsMember({5}));
  run->footer(
      "The same command again goes on where it was stopped; a finished sweep answers at once.\n"
      "Example:\n"
      "  ondelette run --hub tests/data/hub --models ondelette/austen-1m --checkpoints "
      "step0,step1..step512 \\\n"
      "    --corpus tests/data/corpus/austen-held-out.jsonl --spec paper-table5 --table 5");
  run->callback([flags, &session] { session.Report(RunSweep(session, *flags)); });
}

}  // namespace ondelette::client
