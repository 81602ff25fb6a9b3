#include "client/commands/session.h"

#include <chrono>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::client {

std::shared_ptr<grpc::Channel> Session::Channel() {
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(16 << 20);
    channel_ = grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
  }
  return channel_;
}

v1::SweepService::Stub& Session::sweeps() {
  if (sweeps_ == nullptr) sweeps_ = v1::SweepService::NewStub(Channel());
  return *sweeps_;
}

v1::CorpusService::Stub& Session::corpora() {
  if (corpora_ == nullptr) corpora_ = v1::CorpusService::NewStub(Channel());
  return *corpora_;
}

v1::ResultService::Stub& Session::results() {
  if (results_ == nullptr) results_ = v1::ResultService::NewStub(Channel());
  return *results_;
}

void Session::Report(const absl::Status& status) {
  if (status.ok()) return;
  std::string where =
      ErrorReason(status) == "COORDINATOR_UNREACHABLE" ? absl::StrCat(" [", server, "]") : "";
  std::cerr << "ondelette: " << ErrorText(status) << where << '\n';
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
      exit_code = kExitUsage;
      break;
    case absl::StatusCode::kUnavailable:
      exit_code = kExitUnreachable;
      break;
    default:
      exit_code = kExitError;
  }
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
}

int ExitCodeOf(v1::SweepState state) {
  switch (state) {
    case v1::SWEEP_STATE_FAILED:
      return kExitSweepFailed;
    case v1::SWEEP_STATE_CANCELLED:
      return kExitCancelled;
    default:
      return kExitOk;
  }
}

}  // namespace ondelette::client
