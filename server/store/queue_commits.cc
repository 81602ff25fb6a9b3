#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "server/store/queue.h"
#include "server/store/row_sql.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

// What of a job's sweep and checkpoint its result and its event say.
struct SweepDigests {
  std::string corpus_digest;
  std::string spec_digest;
};
struct CheckpointRow {
  std::string model;
  std::string revision;
  std::string digest;
  int64_t layers = 0;
  int64_t heads = 0;
  bool has_architecture = false;
};

// A job's row under a lease. One key has a row in every sweep that wants it.
struct LeasedJob {
  int64_t id = 0;
  int64_t checkpoint = 0;
  int64_t sweep = 0;
  v1::Job event;  // without model and revision, which are the checkpoint's
};

absl::StatusOr<std::vector<LeasedJob>> JobsUnder(Connection& db, const LeaseKey& lease) {
  std::vector<LeasedJob> jobs;
  Statement query = db.Query(
      "SELECT id, checkpoint, sweep, first, count, attempts, engine_deaths, worker FROM jobs "
      "WHERE key = ? AND epoch = ? AND state = 2 ORDER BY id",
      lease.job, lease.epoch);
  while (query.Step()) {
    LeasedJob& job = jobs.emplace_back();
    job.id = query.Int(0);
    job.checkpoint = query.Int(1);
    job.sweep = query.Int(2);
    job.event.set_key(lease.job);
    job.event.set_epoch(lease.epoch);
    job.event.set_first_sequence(query.Int(3));
    job.event.set_sequences(query.Int(4));
    job.event.set_attempts(static_cast<int32_t>(query.Int(5)));
    job.event.set_engine_deaths(static_cast<int32_t>(query.Int(6)));
    job.event.set_worker(query.Text(7));
    job.event.set_state(v1::JOB_STATE_SUCCEEDED);
  }
  if (!query.status().ok()) return query.status();
  return jobs;
}

absl::StatusOr<CheckpointRow> FactsOf(Connection& db, int64_t checkpoint) {
  Statement query = db.Query(
      "SELECT model, revision, digest, layers, heads, architecture <> '' FROM checkpoints "
      "WHERE id = ?",
      checkpoint);
  if (query.Step()) {
    return CheckpointRow{query.Text(0), query.Text(1), query.Text(2),
                         query.Int(3),  query.Int(4),  query.Int(5) != 0};
  }
  return query.status().ok() ? absl::NotFoundError("the store has no such checkpoint")
                             : query.status();
}

// Layers and heads are those of the checkpoint's other results, which another sweep may have made.
absl::Status CheckShape(Connection& db, const CheckpointRow& checkpoint, const JobResult& result) {
  if (result.measured.empty()) return absl::OkStatus();
  int64_t layers = checkpoint.layers;
  int64_t heads = checkpoint.heads;
  if (layers == 0) {
    Statement query =
        db.Query("SELECT layers, heads FROM checkpoints WHERE digest = ? AND layers > 0 LIMIT 1",
                 checkpoint.digest);
    if (!query.Step()) return query.status();
    layers = query.Int(0);
    heads = query.Int(1);
  }
  if (layers == result.layers && heads == result.heads) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "RECORDS_INCONSISTENT",
                   absl::StrCat("records of ", checkpoint.model, "@", checkpoint.revision, " have ",
                                result.layers, " layers of ", result.heads,
                                " heads, where earlier ones have ", layers, " of ", heads),
                   "run workers of the same version");
}

absl::Status InsertRecords(Write& write, int64_t id, const JobResult& result) {
  if (!result.measured.empty()) {
    const size_t each = result.records.size() / result.measured.size();
    for (size_t i = 0; i < result.measured.size(); ++i) {
      absl::Status status = write.db.Run(
          "INSERT INTO records (result, sequence, tokens_digest, data) VALUES (?, ?, ?, ?)", id,
          result.measured[i].sequence, result.measured[i].tokens_digest,
          Statement::Blob{absl::string_view(result.records).substr(i * each, each)});
      if (!status.ok()) return status;
    }
  }
  for (const SkippedSequence& skipped : result.skipped) {
    absl::Status status =
        write.db.Run("INSERT INTO skipped_sequences (result, sequence, reason) VALUES (?, ?, ?)",
                     id, skipped.sequence, skipped.reason);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Returns the result's number.
absl::StatusOr<int64_t> InsertResult(Write& write, const LeasedJob& job, const SweepDigests& sweep,
                                     const CheckpointRow& checkpoint, const JobResult& result) {
  absl::Status status = write.db.Run(
      "INSERT INTO results (key, checkpoint_digest, corpus_digest, spec_digest, first, count, "
      "layers, heads, columns, measured, skipped, record_bytes, record_digest, architecture, "
      "engine_version, device, dtype, compute_seconds, load_seconds, commit_time) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      job.event.key(), checkpoint.digest, sweep.corpus_digest, sweep.spec_digest,
      job.event.first_sequence(), job.event.sequences(), result.layers, result.heads,
      result.columns, static_cast<int64_t>(result.measured.size()),
      static_cast<int64_t>(result.skipped.size()), static_cast<int64_t>(result.records.size()),
      result.record_digest, result.architecture, result.engine_version, result.device, result.dtype,
      result.compute_seconds, result.load_seconds, write.now);
  if (!status.ok()) return status;
  const int64_t id = write.db.LastInsertId();
  if (status = InsertRecords(write, id, result); !status.ok()) return status;
  return id;
}

// The checkpoint learns what the result says, if that is anything new.
absl::Status Learn(Write& write, int64_t checkpoint, const CheckpointRow& facts,
                   const JobResult& result) {
  if (result.skipped.empty() && result.layers <= facts.layers && result.heads <= facts.heads &&
      (facts.has_architecture || result.architecture.empty()))
    return absl::OkStatus();
  return write.db.Run(
      "UPDATE checkpoints SET skipped = skipped + ?, layers = max(layers, ?), "
      "heads = max(heads, ?), architecture = iif(architecture = '', ?, architecture) WHERE id = ?",
      static_cast<int64_t>(result.skipped.size()), result.layers, result.heads, result.architecture,
      checkpoint);
}

// The commits of one transaction. What they all need is read once; what ends with them is looked
// at once, after the last.
class Commits {
 public:
  Commits(Write& write, LeaseMemory& memory) : write_(write), memory_(memory) {}

  absl::StatusOr<CommitOutcome> Add(const JobCommit& commit) {
    auto jobs = JobsUnder(write_.db, commit.lease);
    if (!jobs.ok()) return jobs.status();
    if (jobs->empty()) {
      auto reason = WhyLost(write_.db, commit.lease);
      if (!reason.ok()) return reason.status();
      return CommitOutcome{false, *std::move(reason)};
    }
    absl::StatusOr<int64_t> id = 0;
    for (LeasedJob& job : *jobs) {
      auto facts = FactsOf(write_.db, job.checkpoint);
      if (!facts.ok()) return facts.status();
      if (&job == &jobs->front()) id = Insert(job, *facts, commit.result);
      if (!id.ok()) return id.status();
      if (absl::Status status = Succeed(job, *facts, *id, commit.result); !status.ok())
        return status;
    }
    return CommitOutcome{true, ""};
  }

  absl::Status End() {
    for (int64_t checkpoint : checkpoints_) {
      if (absl::Status status = NoteIfComplete(write_, checkpoint); !status.ok()) return status;
    }
    for (const auto& [sweep, facts] : sweeps_) {
      if (absl::Status status = EndSweepIfDone(write_, sweep); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<int64_t> Insert(const LeasedJob& job, const CheckpointRow& facts,
                                 const JobResult& result) {
    if (absl::Status status = CheckShape(write_.db, facts, result); !status.ok()) return status;
    auto sweep = SweepOf(job.sweep);
    if (!sweep.ok()) return sweep.status();
    return InsertResult(write_, job, **sweep, facts, result);
  }

  absl::Status Succeed(LeasedJob& job, const CheckpointRow& facts, int64_t id,
                       const JobResult& result) {
    if (auto sweep = SweepOf(job.sweep); !sweep.ok()) return sweep.status();
    checkpoints_.insert(job.checkpoint);
    if (memory_.leases) memory_.leases->End(job.event.worker(), job.checkpoint);
    absl::Status status =
        write_.db.Run("UPDATE jobs SET state = 3, error = '', result = ? WHERE id = ?", id, job.id);
    if (status.ok()) status = Learn(write_, job.checkpoint, facts, result);
    if (!status.ok()) return status;
    v1::SweepEvent event;
    job.event.set_model(facts.model);
    job.event.set_revision(facts.revision);
    *event.mutable_job() = std::move(job.event);
    return AddEvent(write_, job.sweep, std::move(event));
  }

  absl::StatusOr<const SweepDigests*> SweepOf(int64_t number) {
    auto found = sweeps_.find(number);
    if (found != sweeps_.end()) return &found->second;
    Statement query =
        write_.db.Query("SELECT corpus_digest, spec_digest FROM sweeps WHERE number = ?", number);
    if (!query.Step()) {
      return query.status().ok() ? absl::NotFoundError("the store has no such sweep")
                                 : query.status();
    }
    return &(sweeps_[number] = {query.Text(0), query.Text(1)});
  }

  Write& write_;
  LeaseMemory& memory_;
  std::map<int64_t, SweepDigests> sweeps_;  // by number: those with a job that succeeded
  std::set<int64_t> checkpoints_;           // likewise
};

}  // namespace

absl::StatusOr<std::vector<CommitOutcome>> CommitJobs(Write& write,
                                                      absl::Span<const JobCommit> jobs,
                                                      LeaseMemory& memory) {
  Commits commits(write, memory);
  std::vector<CommitOutcome> outcomes;
  for (const JobCommit& job : jobs) {
    auto outcome = commits.Add(job);
    if (!outcome.ok()) return outcome.status();
    outcomes.push_back(*std::move(outcome));
  }
  if (absl::Status status = commits.End(); !status.ok()) return status;
  return outcomes;
}

}  // namespace ondelette::server
