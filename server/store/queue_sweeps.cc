#include <optional>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "server/plan/job_plan.h"
#include "server/plan/retry_policy.h"
#include "server/store/queue.h"
#include "server/store/row_sql.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

// The sweep that the request id made, if it did. ALREADY_EXISTS where its body was another.
absl::StatusOr<std::optional<int64_t>> MadeBefore(Connection& db, const NewSweep& sweep) {
  Statement query =
      db.Query("SELECT number, body_digest, id FROM sweeps WHERE request_id = ?", sweep.request_id);
  if (!query.Step()) {
    if (!query.status().ok()) return query.status();
    return std::optional<int64_t>();
  }
  if (query.Text(1) == sweep.body_digest) return std::optional<int64_t>(query.Int(0));
  return MakeError(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
                   absl::StrCat("request id ", sweep.request_id, " made sweep ", query.Text(2),
                                " with another body"),
                   "make a new request id for a new sweep");
}

absl::Status InsertCheckpoints(Connection& db, const NewSweep& sweep, int64_t number) {
  int64_t position = 0;
  for (const std::string& model : sweep.models) {
    for (const std::string& revision : sweep.revisions) {
      absl::Status status = db.Run(
          "INSERT INTO checkpoints (sweep, position, model, revision, state) "
          "VALUES (?, ?, ?, ?, 1)",
          number, position++, model, revision);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> PerJob(Connection& db, const StoredSweep& sweep, absl::string_view digest) {
  if (sweep.sequences_per_job > 0) return sweep.sequences_per_job;
  auto spec = ParseSpec(sweep.spec_json);
  if (!spec.ok()) return spec.status();
  Statement query = db.Query(
      "SELECT COALESCE(SUM(bytes), 0) FROM checkpoint_files WHERE checkpoint_digest = ?", digest);
  if (!query.Step()) return query.status();
  return SequencesPerJob(query.Int(0), spec->tokens);
}

absl::Status InsertJobs(Write& write, int64_t sweep_number, int64_t checkpoint,
                        absl::string_view digest) {
  auto sweep = LoadSweep(write.db, sweep_number);
  if (!sweep.ok()) return sweep.status();
  auto per_job = PerJob(write.db, *sweep, digest);
  if (!per_job.ok()) return per_job.status();
  for (JobRange range : ExpandJobs(sweep->sequences, *per_job)) {
    absl::Status status = write.db.Run(
        "INSERT INTO jobs (checkpoint, sweep, key, first, count, state) VALUES (?, ?, ?, ?, ?, 1)",
        checkpoint, sweep_number, JobKey(digest, sweep->corpus_digest, sweep->spec_digest, range),
        range.first, range.count);
    if (!status.ok()) return status;
  }
  return JoinKnownJobs(write, checkpoint);
}

absl::Status MakeAlias(Write& write, int64_t sweep, int64_t checkpoint, int64_t owner) {
  absl::Status status = write.db.Run(
      "UPDATE checkpoints SET state = 3, alias_of = ?, skipped = 0, layers = 0, heads = 0, "
      "architecture = '' WHERE id = ?",
      owner, checkpoint);
  return status.ok() ? AddCheckpointEvent(write, sweep, checkpoint) : status;
}

// A checkpoint that stands earlier in the listing takes over from the one computed so far: which of
// two equal checkpoints is the alias must not depend on which was resolved first.
absl::Status TakeOver(Write& write, int64_t sweep, int64_t checkpoint, int64_t owner) {
  for (const char* sql :
       {"UPDATE checkpoints SET state = 2, skipped = o.skipped, layers = o.layers, "
        "heads = o.heads, architecture = o.architecture FROM checkpoints o "
        "WHERE checkpoints.id = ?1 AND o.id = ?2",
        "UPDATE jobs SET checkpoint = ?1 WHERE checkpoint = ?2",
        "UPDATE checkpoints SET alias_of = ?1 WHERE alias_of = ?2"}) {
    if (absl::Status status = write.db.Run(sql, checkpoint, owner); !status.ok()) return status;
  }
  absl::Status status = AddCheckpointEvent(write, sweep, checkpoint);
  return status.ok() ? MakeAlias(write, sweep, owner, checkpoint) : status;
}

struct Unresolved {
  int64_t sweep = 0;
  int64_t position = 0;
  std::string model;
  std::string revision;
  Budget budget;
};

// Nothing where the checkpoint waits no longer: it was resolved already, or its sweep cancelled.
absl::StatusOr<std::optional<Unresolved>> FindUnresolved(Connection& db, int64_t checkpoint) {
  Statement query = db.Query(
      "SELECT sweep, position, model, revision, attempts, engine_deaths, requeues "
      "FROM checkpoints WHERE id = ? AND state = 1",
      checkpoint);
  std::optional<Unresolved> found;
  if (query.Step()) {
    found = Unresolved{query.Int(0),
                       query.Int(1),
                       query.Text(2),
                       query.Text(3),
                       {static_cast<int32_t>(query.Int(4)), static_cast<int32_t>(query.Int(5)),
                        static_cast<int32_t>(query.Int(6))}};
  }
  if (!query.status().ok()) return query.status();
  return found;
}

absl::Status StoreResolution(Connection& db, int64_t checkpoint, const Resolution& resolution) {
  for (const ResolvedFile& file : resolution.files) {
    absl::Status status = db.Run(
        "INSERT OR IGNORE INTO checkpoint_files (checkpoint_digest, name, bytes, sha256) "
        "VALUES (?, ?, ?, ?)",
        resolution.digest, file.name, file.bytes, file.sha256);
    if (!status.ok()) return status;
  }
  return db.Run(
      "UPDATE checkpoints SET digest = ?, weights_digest = ?, commit_hash = ?, error = '' "
      "WHERE id = ?",
      resolution.digest, resolution.weights_digest, resolution.commit, checkpoint);
}

// Its own jobs: nothing equal stands in the sweep yet.
absl::Status MakeOwner(Write& write, int64_t sweep, int64_t checkpoint, absl::string_view digest) {
  absl::Status status = write.db.Run("UPDATE checkpoints SET state = 2 WHERE id = ?", checkpoint);
  if (status.ok()) status = InsertJobs(write, sweep, checkpoint, digest);
  if (status.ok()) status = AddCheckpointEvent(write, sweep, checkpoint);
  if (status.ok()) status = NoteIfComplete(write, checkpoint);
  write.notice.work = true;
  return status;
}

}  // namespace

absl::StatusOr<int64_t> InsertSweep(Write& write, const NewSweep& sweep) {
  auto before = MadeBefore(write.db, sweep);
  if (!before.ok()) return before.status();
  if (before->has_value()) return **before;
  absl::Status status = write.db.Run(
      "INSERT INTO sweeps (id, name, request_id, body_digest, state, models, revisions, "
      "corpus_digest, corpus_name, spec_json, spec_digest, sequences, sequences_per_job, "
      "create_time) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      sweep.id, sweep.name, sweep.request_id, sweep.body_digest, ListToText(sweep.models),
      ListToText(sweep.revisions), sweep.corpus_digest, sweep.corpus_name, sweep.spec_json,
      sweep.spec_digest, sweep.sequences, sweep.sequences_per_job, write.now);
  if (!status.ok()) return status;
  const int64_t number = write.db.LastInsertId();
  status = InsertCheckpoints(write.db, sweep, number);
  if (status.ok()) status = AddEvent(write, number, {});
  if (!status.ok()) return status;
  write.notice.work = true;
  return number;
}

absl::Status ResolveCheckpoint(Write& write, int64_t checkpoint, const Resolution& resolution) {
  auto found = FindUnresolved(write.db, checkpoint);
  if (!found.ok() || !found->has_value()) return found.status();
  const Unresolved& mine = **found;
  if (absl::Status status = StoreResolution(write.db, checkpoint, resolution); !status.ok())
    return status;
  int64_t owner = 0;
  int64_t owner_position = 0;
  {
    Statement query = write.db.Query(
        "SELECT id, position FROM checkpoints WHERE sweep = ? AND digest = ? AND state = 2",
        mine.sweep, resolution.digest);
    if (query.Step()) {
      owner = query.Int(0);
      owner_position = query.Int(1);
    }
    if (!query.status().ok()) return query.status();
  }
  absl::Status status;
  if (owner == 0) {
    status = MakeOwner(write, mine.sweep, checkpoint, resolution.digest);
  } else if (owner_position < mine.position) {
    status = MakeAlias(write, mine.sweep, checkpoint, owner);
  } else {
    status = TakeOver(write, mine.sweep, checkpoint, owner);
  }
  return status.ok() ? EndSweepIfDone(write, mine.sweep) : status;
}

absl::Status FailCheckpoint(Write& write, int64_t checkpoint, const v1::Error& error) {
  auto found = FindUnresolved(write.db, checkpoint);
  if (!found.ok() || !found->has_value()) return found.status();
  const Unresolved& mine = **found;
  const Verdict verdict =
      Judge(error, mine.budget, absl::StrCat("checkpoint ", mine.model, "@", mine.revision));
  absl::Status status = write.db.Run(
      "UPDATE checkpoints SET state = ?, attempts = ?, engine_deaths = ?, requeues = ?, "
      "ready_at = ?, error = ? WHERE id = ?",
      verdict.failed ? 4 : 1, verdict.budget.attempts, verdict.budget.engine_deaths,
      verdict.budget.requeues, write.now + verdict.back_off, ErrorToText(verdict.error),
      checkpoint);
  if (!status.ok() || !verdict.failed) return status;
  status = AddCheckpointEvent(write, mine.sweep, checkpoint);
  return status.ok() ? EndSweepIfDone(write, mine.sweep) : status;
}

absl::StatusOr<std::vector<GrantedLease>> CancelSweep(Write& write, int64_t number) {
  auto sweep = LoadSweep(write.db, number);
  if (!sweep.ok()) return sweep.status();
  std::vector<GrantedLease> revoked;
  if (sweep->state == v1::SWEEP_STATE_CANCELLED) return revoked;
  if (sweep->state != v1::SWEEP_STATE_RUNNING) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SWEEP_ENDED",
                     absl::StrCat("sweep ", sweep->id, " has ended already"),
                     "there is nothing left to cancel");
  }
  // A lease that another sweep shares holds on.
  absl::Status status = ReadAll(
      write.db.Query(
          absl::StrCat(kSelectLease,
                       "WHERE j.sweep = ? AND j.state = 2 AND NOT EXISTS (SELECT 1 FROM "
                       "jobs o WHERE o.key = j.key AND o.state = 2 AND o.sweep <> j.sweep)"),
          number),
      ReadLease, revoked);
  for (const char* sql :
       {"UPDATE jobs SET state = 5 WHERE checkpoint IN (SELECT id FROM checkpoints "
        "WHERE sweep = ?1) AND state IN (1, 2)",
        "UPDATE checkpoints SET state = 5 WHERE sweep = ?1 AND state = 1"}) {
    if (status.ok()) status = write.db.Run(sql, number);
  }
  if (status.ok()) {
    status = write.db.Run("UPDATE sweeps SET state = 4, end_time = ? WHERE number = ?", write.now,
                          number);
  }
  if (status.ok()) status = AddEvent(write, number, {});
  if (!status.ok()) return status;
  return revoked;
}

absl::StatusOr<RetryOutcome> RetryFailed(Write& write, int64_t number) {
  auto sweep = LoadSweep(write.db, number);
  if (!sweep.ok()) return sweep.status();
  if (sweep->state == v1::SWEEP_STATE_CANCELLED) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SWEEP_CANCELLED",
                     absl::StrCat("sweep ", sweep->id, " was cancelled, which is final"),
                     "submit it again: results that are there are used again");
  }
  std::vector<int64_t> touched;
  {
    Statement query =
        write.db.Query("SELECT id FROM checkpoints WHERE sweep = ? AND failed > 0", number);
    while (query.Step()) touched.push_back(query.Int(0));
    if (!query.status().ok()) return query.status();
  }
  RetryOutcome outcome;
  absl::Status status = write.db.Run(
      "UPDATE jobs SET state = 1, attempts = 0, engine_deaths = 0, requeues = 0, ready_at = 0, "
      "error = '' WHERE sweep = ? AND state = 4",
      number);
  outcome.jobs = write.db.Changes();
  if (status.ok()) {
    status = write.db.Run(
        "UPDATE checkpoints SET state = 1, attempts = 0, engine_deaths = 0, requeues = 0, "
        "ready_at = 0, error = '' WHERE sweep = ? AND state = 4",
        number);
    outcome.checkpoints = write.db.Changes();
  }
  if (status.ok()) {
    status = write.db.Run("DELETE FROM controls WHERE spec_digest = ? AND error <> ''",
                          sweep->spec_digest);
  }
  if (!status.ok() || outcome.jobs + outcome.checkpoints == 0) {
    if (!status.ok()) return status;
    return outcome;
  }
  status = write.db.Run("UPDATE sweeps SET state = 1, end_time = 0 WHERE number = ?", number);
  for (int64_t checkpoint : touched) {
    if (status.ok()) status = JoinKnownJobs(write, checkpoint);
    if (status.ok()) status = NoteIfComplete(write, checkpoint);
  }
  if (status.ok()) status = AddEvent(write, number, {});
  if (status.ok()) status = EndSweepIfDone(write, number);
  if (!status.ok()) return status;
  write.notice.work = true;
  return outcome;
}

}  // namespace ondelette::server
