// The flags that describe a sweep, shared by `submit` and `run`.
#ifndef ONDELETTE_CLIENT_COMMANDS_SWEEP_REQUEST_H_
#define ONDELETTE_CLIENT_COMMANDS_SWEEP_REQUEST_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ondelette/v1/sweep.pb.h"

namespace ondelette::client {

struct SweepFlags {
  std::string models;
  std::string checkpoints = "main";
  std::string corpus;
  std::string spec = "relative-window";
  std::vector<std::string> set;
  std::string name;
  std::string request_id;
  int64_t sequences = 0;
  int sequences_per_job = 0;
};

// Puts --models, --checkpoints, --corpus, --spec, --set, --name, --sequences, ... into a command.
// `flags` outlives it.
void AddSweepFlags(CLI::App& command, SweepFlags& flags);

// The spec that --spec (a preset's name or a file) and the --set overrides describe, as complete
// JSON.
absl::StatusOr<std::string> SpecJsonFromFlags(const std::string& spec,
                                              const std::vector<std::string>& set);

// The request as the flags say it; its corpus is still the flag's word and its request_id may be empty: CreateSweep
// fills in both.
absl::StatusOr<v1::CreateSweepRequest> SweepRequestFromFlags(const SweepFlags& flags);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_SWEEP_REQUEST_H_
