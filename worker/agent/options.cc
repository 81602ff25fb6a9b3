#include "worker/agent/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace ondelette::agent {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] = R"(Examples:
  ondelette-worker --server localhost:7471 --models /data/models
  ondelette-worker --server head:7471 --hub /scratch/hf/hub --device cuda:1 --metrics-listen 0.0.0.0:7472

SIGTERM or Ctrl-C drains: no new jobs, the running one may finish, exit 0. A second one hands the
running job back at once.
)";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string CacheHome() {
  if (std::string folder = Environment("XDG_CACHE_HOME"); !folder.empty()) return folder;
  const std::string home = Environment("HOME");
  return absl::StrCat(home.empty() ? "/tmp" : home, "/.cache");
}

std::string DefaultHub() {
  if (std::string folder = Environment("HF_HUB_CACHE"); !folder.empty()) return folder;
  if (std::string home = Environment("HF_HOME"); !home.empty()) return absl::StrCat(home, "/hub");
  return absl::StrCat(CacheHome(), "/huggingface/hub");
}

// ondelette-engine beside this program.
std::string DefaultEngine() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? "ondelette-engine" : (self.parent_path() / "ondelette-engine").string();
}

std::string DefaultName() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return "worker";
  return absl::StrCat(host.data(), "/", getpid());
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--server", options.server, "the coordinator")
      ->type_name("HOST:PORT")
      ->envname("ONDELETTE_SERVER")
      ->required();
  app.add_option("--models", options.models,
                 "folder with models, one sub-folder each; may be given several times")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
  app.add_option("--hub", options.hub, "cache folder of Hugging Face models")->type_name("FOLDER");
  app.add_option("--device", options.device, "where attention is computed: auto, cpu or cuda:N")
      ->check([](const std::string& text) {
        const bool cuda = text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 9 &&
                          text.find_first_not_of("0123456789", 5) == std::string::npos;
        return text == "auto" || text == "cpu" || cuda ? std::string()
                                                       : "it takes auto, cpu or cuda:N";
      })
      ->capture_default_str();
  app.add_option("--engine", options.engine, "the program ondelette-engine")->type_name("PATH");
  app.add_option("--cache", options.cache, "folder for file digests and corpora")
      ->type_name("FOLDER");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "where Prometheus finds /metrics; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--port-file", options.port_file, "file to write the port of /metrics to")
      ->type_name("FILE");
  app.add_option("--name", options.name, "name of this worker, for people");
  app.add_option("--engine-timeout-seconds", options.engine_timeout_seconds,
                 "an engine silent for longer hangs and is started anew")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  app.add_option("--drain-seconds", options.drain_seconds,
                 "how long the running job may take after SIGTERM")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_flag("--exit-with-parent", options.exit_with_parent,
               "end when the process that started this one ends");
}

}  // namespace

std::variant<Options, int> ParseOptions(int argc, char** argv) {
  Options options;
  options.hub = DefaultHub();
  options.engine = DefaultEngine();
  options.cache = absl::StrCat(CacheHome(), "/ondelette");
  options.name = DefaultName();
  CLI::App app("ondelette-worker: measures attention heads for a coordinator.", "ondelette-worker");
  app.set_version_flag("--version", ONDELETTE_VERSION);
  app.footer(kExamples);
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return options;
}

}  // namespace ondelette::agent
