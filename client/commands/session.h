// What every command of the CLI shares: where the coordinator is, how to print, and how it ended.
#ifndef ONDELETTE_CLIENT_COMMANDS_SESSION_H_
#define ONDELETTE_CLIENT_COMMANDS_SESSION_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/render/rows.h"
#include "ondelette/v1/corpus.grpc.pb.h"
#include "ondelette/v1/results.grpc.pb.h"
#include "ondelette/v1/sweep.grpc.pb.h"

namespace ondelette::client {

// Exit statuses, as `ondelette --help` lists them.
enum ExitCode : int {
  kExitOk = 0,
  kExitError = 1,
  kExitUsage = 2,        // bad flags or arguments, refused by the CLI or the coordinator
  kExitUnreachable = 3,  // no coordinator at that address
  kExitSweepFailed = 4,  // the sweep ended, and some checkpoint or job failed
  kExitCancelled = 5,    // the sweep was cancelled
  kExitDetached = 130,   // Ctrl-C: the sweep goes on
};

inline constexpr const char* kDefaultServer = "127.0.0.1:7470";

// One invocation of the CLI. Not thread-safe; stubs are made on first use.
class Session {
 public:
  std::string server = kDefaultServer;
  Output output = Output::kTable;
  int exit_code = kExitOk;

  v1::SweepService::Stub& sweeps();
  v1::CorpusService::Stub& corpora();
  v1::ResultService::Stub& results();

  // Prints the error on stderr and sets exit_code by its kind. OK does nothing.
  void Report(const absl::Status& status);

 private:
  std::shared_ptr<grpc::Channel> Channel();

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SweepService::Stub> sweeps_;
  std::unique_ptr<v1::CorpusService::Stub> corpora_;
  std::unique_ptr<v1::ResultService::Stub> results_;
};

// A deadline for calls that should answer at once.
void SetDeadline(grpc::ClientContext& context);

// The exit code for a sweep's final state.
int ExitCodeOf(v1::SweepState state);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_SESSION_H_
