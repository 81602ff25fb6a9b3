#include "server/plan/sweep_plan.h"

#include <algorithm>
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "server/plan/job_plan.h"

namespace ondelette::server {
namespace {

absl::Status Invalid(absl::string_view field, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_INVALID",
                   absl::StrCat("field '", field, "': ", problem), "correct it and send it again");
}

absl::Status CheckText(absl::string_view field, absl::string_view text, size_t longest) {
  if (text.empty()) return Invalid(field, "it is empty");
  if (text.size() > longest) {
    return Invalid(field, absl::StrCat(text.size(), " bytes are more than ", longest));
  }
  auto control = [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control)) {
    return Invalid(field, "it holds control characters");
  }
  return absl::OkStatus();
}

template <typename List>
absl::StatusOr<std::vector<std::string>> Distinct(absl::string_view field, const List& list,
                                                  int most) {
  if (list.empty()) return Invalid(field, "it is empty: name at least one");
  if (list.size() > most) {
    return Invalid(field, absl::StrCat(list.size(), " are more than ", most));
  }
  std::vector<std::string> distinct;
  std::unordered_set<std::string> seen;
  for (const std::string& item : list) {
    if (absl::Status status = CheckText(field, item, kLongestModel); !status.ok()) return status;
    if (seen.insert(item).second) distinct.push_back(item);
  }
  return distinct;
}

absl::Status PlanSequences(const v1::CreateSweepRequest& request, const StoredCorpus& corpus,
                           NewSweep& sweep) {
  if (corpus.sequences == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CORPUS_EMPTY",
                     absl::StrCat("corpus ", corpus.name, " holds no sequence"),
                     "upload one with at least one line");
  }
  if (request.sequences() < 0 || request.sequences() > corpus.sequences) {
    return Invalid("sequences", absl::StrCat(request.sequences(), " of a corpus of ",
                                             corpus.sequences, " were asked for"));
  }
  if (request.sequences_per_job() < 0 || request.sequences_per_job() > kMostSequencesPerJob) {
    return Invalid("sequences_per_job", absl::StrCat(request.sequences_per_job(),
                                                     " is not from 1 to ", kMostSequencesPerJob));
  }
  sweep.sequences = request.sequences() == 0 ? corpus.sequences : request.sequences();
  sweep.sequences_per_job = request.sequences_per_job();
  const int64_t checkpoints = static_cast<int64_t>(sweep.models.size() * sweep.revisions.size());
  if (checkpoints > kMostCheckpoints) {
    return Invalid("revisions", absl::StrCat(checkpoints, " checkpoints are more than ",
                                             kMostCheckpoints, ": split the sweep"));
  }
  const int64_t per_job =
      sweep.sequences_per_job == 0 ? kDefaultSequencesPerJob : sweep.sequences_per_job;
  const int64_t jobs_each = (sweep.sequences + per_job - 1) / per_job;
  if (jobs_each * checkpoints > kMostJobs) {
    return Invalid("sequences_per_job",
                   absl::StrCat(jobs_each * checkpoints, " jobs are more than ", kMostJobs,
                                ": raise it or split the sweep"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(absl::string_view field, absl::string_view name) {
  return CheckText(field, name, kLongestName);
}

std::string RequestBodyDigest(const v1::CreateSweepRequest& request) {
  // Lengths before the parts, so that no two bodies are written alike.
  std::string body;
  auto add = [&body](absl::string_view part) { absl::StrAppend(&body, part.size(), ":", part); };
  add(request.name());
  add(absl::StrCat(request.models_size()));
  for (const std::string& model : request.models()) add(model);
  add(absl::StrCat(request.revisions_size()));
  for (const std::string& revision : request.revisions()) add(revision);
  add(request.corpus());
  add(request.spec().json());
  add(absl::StrCat(request.sequences()));
  add(absl::StrCat(request.sequences_per_job()));
  return Sha256Of(body);
}

absl::StatusOr<NewSweep> PlanSweep(const v1::CreateSweepRequest& request,
                                   const StoredCorpus& corpus) {
  NewSweep sweep;
  if (absl::Status status = CheckName("request_id", request.request_id()); !status.ok())
    return status;
  sweep.request_id = request.request_id();
  if (!request.name().empty()) {
    if (absl::Status status = CheckName("name", request.name()); !status.ok()) return status;
  }
  sweep.name = request.name();
  auto models = Distinct("models", request.models(), kMostModels);
  if (!models.ok()) return models.status();
  sweep.models = *std::move(models);
  auto revisions = Distinct("revisions", request.revisions(), kMostRevisions);
  if (!revisions.ok()) return revisions.status();
  sweep.revisions = *std::move(revisions);
  auto spec = ParseSpec(request.spec().json().empty() ? "{}" : request.spec().json());
  if (!spec.ok()) return spec.status();
  sweep.spec_json = SpecToJson(*spec);
  sweep.spec_digest = SpecDigest(*spec);
  if (absl::Status status = PlanSequences(request, corpus, sweep); !status.ok()) return status;
  sweep.corpus_digest = corpus.digest;
  sweep.corpus_name = corpus.name;
  sweep.body_digest = RequestBodyDigest(request);
  // The request id makes the sweep: so does its digest the sweep's id, and a retry meets it.
  sweep.id = Sha256Of(request.request_id()).substr(0, 16);
  return sweep;
}

}  // namespace ondelette::server
