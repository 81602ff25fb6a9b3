#include "server/store/to_proto.h"

#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "common/spec/spec.h"
#include "server/plan/job_plan.h"

namespace ondelette::server {

v1::JobCounts ToProto(const JobCounts& counts) {
  v1::JobCounts proto;
  proto.set_total(counts.total);
  proto.set_queued(counts.queued);
  proto.set_leased(counts.leased);
  proto.set_succeeded(counts.succeeded);
  proto.set_failed(counts.failed);
  proto.set_cancelled(counts.cancelled);
  return proto;
}

v1::Job ToProto(const StoredJob& job) {
  v1::Job proto;
  proto.set_key(job.key);
  proto.set_model(job.model);
  proto.set_revision(job.revision);
  proto.set_state(job.state);
  proto.set_first_sequence(job.first_sequence);
  proto.set_sequences(job.sequences);
  proto.set_attempts(job.attempts);
  proto.set_engine_deaths(job.engine_deaths);
  proto.set_epoch(job.epoch);
  proto.set_worker(job.worker);
  if (job.error.code() != 0) *proto.mutable_error() = job.error;
  return proto;
}

v1::Corpus ToProto(const StoredCorpus& corpus) {
  v1::Corpus proto;
  proto.set_digest(corpus.digest);
  proto.set_name(corpus.name);
  proto.set_sequences(corpus.sequences);
  proto.set_bytes(corpus.bytes);
  proto.set_tokenized(corpus.tokenized);
  *proto.mutable_create_time() = ToProto(corpus.create_time);
  return proto;
}

std::string CheckpointName(const StoredCheckpoint& checkpoint) {
  return absl::StrCat(checkpoint.model, "@", checkpoint.revision);
}

v1::Checkpoint ToProto(const StoredCheckpoint& checkpoint, const StoredCheckpoint* owner) {
  const StoredCheckpoint& computed = owner == nullptr ? checkpoint : *owner;
  v1::Checkpoint proto;
  proto.set_model(checkpoint.model);
  proto.set_revision(checkpoint.revision);
  proto.set_state(checkpoint.state);
  proto.set_digest(checkpoint.digest);
  proto.set_weights_digest(checkpoint.weights_digest);
  proto.set_commit(checkpoint.commit);
  if (owner != nullptr) proto.set_alias_of(CheckpointName(*owner));
  *proto.mutable_jobs() = ToProto(computed.jobs);
  proto.set_skipped_sequences(computed.skipped_sequences);
  if (checkpoint.error.code() != 0) *proto.mutable_error() = checkpoint.error;
  proto.set_architecture(computed.architecture);
  proto.set_layers(computed.layers);
  proto.set_heads(computed.heads);
  return proto;
}

v1::Sweep ToProto(const StoredSweep& sweep, const std::vector<StoredCheckpoint>& checkpoints) {
  v1::Sweep proto;
  proto.set_id(sweep.id);
  proto.set_name(sweep.name);
  proto.set_request_id(sweep.request_id);
  proto.set_state(sweep.state);
  proto.mutable_models()->Assign(sweep.models.begin(), sweep.models.end());
  proto.mutable_revisions()->Assign(sweep.revisions.begin(), sweep.revisions.end());
  proto.set_corpus_digest(sweep.corpus_digest);
  proto.set_corpus_name(sweep.corpus_name);
  proto.mutable_spec()->set_json(sweep.spec_json);
  proto.mutable_spec()->set_digest(sweep.spec_digest);
  if (auto spec = ParseSpec(sweep.spec_json); spec.ok())
    proto.mutable_spec()->set_preset(MatchingPreset(*spec));
  proto.set_sequences(sweep.sequences);
  proto.set_sequences_per_job(static_cast<int32_t>(
      sweep.sequences_per_job == 0 ? kDefaultSequencesPerJob : sweep.sequences_per_job));
  *proto.mutable_jobs() = ToProto(sweep.jobs);
  std::unordered_map<int64_t, const StoredCheckpoint*> by_id;
  for (const StoredCheckpoint& checkpoint : checkpoints) by_id[checkpoint.id] = &checkpoint;
  for (const StoredCheckpoint& checkpoint : checkpoints) {
    auto owner = by_id.find(checkpoint.alias_of);
    *proto.add_checkpoints() = ToProto(checkpoint, owner == by_id.end() ? nullptr : owner->second);
  }
  *proto.mutable_create_time() = ToProto(sweep.create_time);
  if (sweep.end_time != absl::InfiniteFuture()) *proto.mutable_end_time() = ToProto(sweep.end_time);
  proto.set_cursor(sweep.cursor);
  return proto;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

}  // namespace ondelette::server
