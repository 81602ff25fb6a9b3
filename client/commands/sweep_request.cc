#include "client/commands/sweep_request.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/commands/checkpoint_list.h"
#include "client/commands/input_file.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"

namespace ondelette::client {

void AddSweepFlags(CLI::App& command, SweepFlags& flags) {
  command
      .add_option("--models", flags.models,
                  "Models, separated by commas: repo ids or folders, as workers see them")
      ->required();
  command
      .add_option("--checkpoints", flags.checkpoints,
                  "Revisions: NAME, A..B (doubling), A:B:STRIDE, separated by commas")
      ->capture_default_str();
  command
      .add_option("--corpus", flags.corpus,
                  "A corpus by name or digest, or a file of JSON lines to upload")
      ->required();
  command
      .add_option(
          "--spec", flags.spec,
          absl::StrCat("A preset (", absl::StrJoin(PresetNames(), ", "), ") or a JSON file"))
      ->capture_default_str();
  command.add_option("--set", flags.set, "Override one spec field: FIELD=VALUE (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--name", flags.name, "A name for people");
  command
      .add_option("--sequences", flags.sequences, "Only the first so many sequences of the corpus")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--sequences-per-job", flags.sequences_per_job,
                  "Size of the unit of work and of retry")
      ->check(CLI::Range(1, 4096));
  command.add_option(
      "--request-id", flags.request_id,
      "Makes the command idempotent; by default a digest of everything else it says");
}

absl::StatusOr<std::string> SpecJsonFromFlags(const std::string& spec_name,
                                              const std::vector<std::string>& set) {
  absl::StatusOr<Spec> spec = PresetSpec(spec_name);
  if (!spec.ok() && spec_name.find_first_of("./") != std::string::npos) {
    absl::StatusOr<std::ifstream> file = OpenInput(spec_name);
    if (!file.ok()) return file.status();
    spec = ParseSpec(std::string{std::istreambuf_iterator<char>(*file), {}});
  }
  if (!spec.ok()) return spec.status();
  for (const std::string& override_text : set) {
    std::pair<std::string, std::string> field =
        absl::StrSplit(override_text, absl::MaxSplits('=', 1));
    if (override_text.find('=') == std::string::npos) {
      return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
                       absl::StrCat("--set takes FIELD=VALUE, not '", override_text, "'"));
    }
    if (absl::Status status = SetSpecField(field.first, field.second, *spec); !status.ok())
      return status;
  }
  if (absl::Status status = ValidateSpec(*spec); !status.ok()) return status;
  return SpecToJson(*spec);
}

absl::StatusOr<v1::CreateSweepRequest> SweepRequestFromFlags(const SweepFlags& flags) {
  absl::StatusOr<std::vector<std::string>> revisions = ExpandCheckpoints(flags.checkpoints);
  if (!revisions.ok()) return revisions.status();
  absl::StatusOr<std::string> spec = SpecJsonFromFlags(flags.spec, flags.set);
  if (!spec.ok()) return spec.status();
  v1::CreateSweepRequest request;
  for (absl::string_view model : absl::StrSplit(flags.models, ',', absl::SkipEmpty())) {
    request.add_models(std::string(model));
  }
  request.mutable_revisions()->Add(revisions->begin(), revisions->end());
  request.set_name(flags.name);
  request.set_corpus(flags.corpus);
  request.mutable_spec()->set_json(*spec);
  request.set_sequences(flags.sequences);
  request.set_sequences_per_job(flags.sequences_per_job);
  request.set_request_id(flags.request_id);
  return request;
}

}  // namespace ondelette::client
