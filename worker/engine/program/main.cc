// ondelette-engine: measures attention. LibTorch lives in this process and gRPC does not.
//
// Exit status: 0 done; 1 a fault, with one message on stderr; 2 a wrong command line.
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/program/analyze.h"
#include "worker/engine/program/flags.h"
#include "worker/engine/program/guard.h"
#include "worker/engine/program/init.h"
#include "worker/engine/program/runtime.h"
#include "worker/engine/program/serve.h"

namespace ondelette::engine {
namespace {

constexpr char kHelp[] =
    R"(usage: ondelette-engine COMMAND [flags]

commands:
  analyze   sequences of token ids through a checkpoint, one record a layer and head
  serve     the same for ondelette-worker, over pipes
  init      write a randomly initialised checkpoint
  version   versions of the engine, LibTorch and BLAS

`ondelette-engine COMMAND --help` says more.
)";

bool WantsHelp(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return true;
  }
  return false;
}

absl::Status Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? absl::OkStatus() : absl::UnavailableError("cannot write");
}

absl::Status RunCommand(const std::string& command, std::span<const std::string> arguments) {
  const bool help = WantsHelp(arguments);
  if (command == "help" || command == "--help" || command == "-h") return Print(kHelp);
  if (command == "analyze" && help) return Print(kAnalyzeHelp);
  if (command == "serve" && help) return Print(kServeHelp);
  if (command == "init" && help) return Print(kInitHelp);
  const Runtime runtime = StartRuntime();
  if (command == "version" || command == "--version") return Print(runtime.Text() + "\n");
  if (command == "init") return InitCommand(arguments);
  if (command == "analyze" || command == "serve") {
    std::fprintf(stderr, "%s\n", runtime.Text().c_str());
    return command == "serve" ? ServeCommand(arguments, runtime) : AnalyzeCommand(arguments);
  }
  return UsageError(absl::StrCat("no command is named '", command, "'"),
                    "it takes analyze, serve, init or version");
}

int Main(std::span<const std::string> arguments) {
  if (arguments.empty()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const absl::Status status =
      Guard([&] { return RunCommand(arguments.front(), arguments.subspan(1)); });
  if (status.ok()) return 0;
  std::fprintf(stderr, "ondelette-engine: %s\n", ErrorText(status).c_str());
  return ErrorReason(status) == kUsageReason ? 2 : 1;
}

}  // namespace
}  // namespace ondelette::engine

int main(int count, char** arguments) {
  ondelette::engine::SleepWhileWaiting(arguments);
  return ondelette::engine::Main(std::vector<std::string>(arguments + 1, arguments + count));
}
