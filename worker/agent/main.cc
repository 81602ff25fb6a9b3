// ondelette-worker: the agent. Exit status: 0 after a drain, 1 where it cannot work, 2 for a fault
// on the command line.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/errors/errors.h"
#include "worker/agent/checkpoint_shelf.h"
#include "worker/agent/corpus_cache.h"
#include "worker/agent/engine.h"
#include "worker/agent/job_preparer.h"
#include "worker/agent/log.h"
#include "worker/agent/options.h"
#include "worker/agent/telemetry.h"
#include "worker/agent/work_loop.h"
#include "worker/hub/digest_cache.h"
#include "worker/hub/hugging_face_cache.h"
#include "worker/hub/local_folders.h"
#include "worker/hub/model_resolver.h"

namespace ondelette::agent {
namespace {

// SIGTERM and SIGINT are taken by a thread of their own; every other thread inherits the block.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

std::string RandomId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
}

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& server) {
  grpc::ChannelArguments arguments;
  // The work loop has its own waits between attempts: gRPC's must not come on top.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A coordinator whose machine vanished answers no ping.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<ModelSource> OpenSources(const Options& options, DigestCache* digests) {
  std::vector<std::unique_ptr<ModelSource>> sources;
  for (const std::string& folder : options.models) {
    sources.push_back(std::make_unique<LocalFolders>(folder, digests));
  }
  if (sources.empty()) sources.push_back(std::make_unique<LocalFolders>("", digests));
  sources.push_back(std::make_unique<HuggingFaceCache>(options.hub, digests));
  return std::make_unique<ModelResolver>(std::move(sources));
}

// Whole or not at all, for whoever waits for it.
absl::Status WritePortFile(const std::string& path, int port) {
  const std::string temporary = absl::StrCat(path, ".", getpid());
  std::ofstream file(temporary);
  file << port << "\n";
  file.close();
  if (file.fail() || rename(temporary.c_str(), path.c_str()) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PORT_FILE",
                     absl::StrCat("cannot write ", path), "give another file with --port-file");
  }
  return absl::OkStatus();
}

absl::Status CheckEngine(const std::string& path) {
  if (access(path.c_str(), X_OK) == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kNotFound, "ENGINE_UNAVAILABLE",
                   absl::StrCat("there is no program ", path),
                   "build ondelette-engine beside ondelette-worker, or name it with --engine");
}

absl::Status ServeMetrics(const Options& options, Telemetry& telemetry) {
  absl::StatusOr<int> port = telemetry.Serve(options.metrics_listen);
  if (!port.ok()) return port.status();
  Log(absl::StrCat("metrics on port ", *port));
  return options.port_file.empty() ? absl::OkStatus() : WritePortFile(options.port_file, *port);
}

// Drains at the first signal, hands back at the second. A parent that is gone needs no results.
void WatchSignals(const sigset_t& signals, pid_t parent, bool exit_with_parent, WorkLoop* loop) {
  while (true) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    loop->Drain();
    if (exit_with_parent && getppid() != parent) loop->Drain();
  }
}

int Main(int argc, char** argv) {
  const std::variant<Options, int> parsed = ParseOptions(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const Options& options = std::get<Options>(parsed);
  const pid_t parent = getppid();
  if (options.exit_with_parent) prctl(PR_SET_PDEATHSIG, SIGTERM);
  const sigset_t signals = BlockSignals();

  Telemetry telemetry;
  absl::Status ready = CheckEngine(options.engine);
  if (ready.ok()) ready = ServeMetrics(options, telemetry);
  if (!ready.ok()) {
    Log(ErrorText(ready));
    return 1;
  }
  EngineOptions engine_options;
  engine_options.program = options.engine;
  engine_options.device = options.device;
  engine_options.silence = absl::Seconds(options.engine_timeout_seconds);
  Engine engine(engine_options, &telemetry);
  const std::shared_ptr<grpc::Channel> channel = OpenChannel(options.server);
  DigestCache digests(options.cache);
  const std::unique_ptr<ModelSource> source = OpenSources(options, &digests);
  CheckpointShelf shelf(source.get(), &digests);
  JobPreparer preparer(&shelf, CorpusCache(absl::StrCat(options.cache, "/corpora"), channel));
  WorkLoopOptions loop_options;
  loop_options.worker_id = RandomId();
  loop_options.name = options.name;
  loop_options.version = ONDELETTE_VERSION;
  loop_options.drain_time = absl::Seconds(options.drain_seconds);
  WorkLoop loop(loop_options, channel, {&engine, &shelf, &preparer, &telemetry});
  std::thread watcher(WatchSignals, signals, parent, options.exit_with_parent, &loop);
  const absl::Status result = loop.Run();
  if (!result.ok()) Log(ErrorText(result));
  engine.Stop();
  if (!options.port_file.empty()) unlink(options.port_file.c_str());
  // Everything is said and the engine is killed. Threads may still be hashing a large file or wait
  // for a signal: nothing that they hold needs an orderly end.
  std::_Exit(result.ok() ? 0 : 1);
}

}  // namespace
}  // namespace ondelette::agent

int main(int argc, char** argv) { return ondelette::agent::Main(argc, argv); }
