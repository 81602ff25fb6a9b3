#include <utility>

#include "absl/strings/str_cat.h"
#include "server/plan/retry_policy.h"
#include "server/store/queue.h"
#include "server/store/row_sql.h"

namespace ondelette::server {
namespace {

// A job's row under a lease. One key has a row in every sweep that wants it; they are leased,
// committed and put back together.
struct LeasedRow {
  int64_t id;
  int64_t checkpoint;
  int64_t sweep;
};

absl::StatusOr<std::vector<LeasedRow>> RowsUnder(Connection& db, const LeaseKey& lease) {
  std::vector<LeasedRow> rows;
  Statement query = db.Query(
      "SELECT id, checkpoint, sweep FROM jobs WHERE key = ? AND epoch = ? AND state = 2 "
      "ORDER BY id",
      lease.job, lease.epoch);
  while (query.Step()) rows.push_back({query.Int(0), query.Int(1), query.Int(2)});
  if (!query.status().ok()) return query.status();
  return rows;
}

// A queued job whose result is there already.
struct KnownJob {
  int64_t id;
  int64_t checkpoint;
  int64_t result;
};

// It succeeds, and its checkpoint learns what the result says.
absl::Status Succeed(Write& write, const KnownJob& job) {
  absl::Status status = write.db.Run(
      "UPDATE jobs SET state = 3, error = '', result = ? WHERE id = ?", job.result, job.id);
  if (!status.ok()) return status;
  return write.db.Run(
      "UPDATE checkpoints SET skipped = checkpoints.skipped + r.skipped, "
      "layers = max(checkpoints.layers, r.layers), heads = max(checkpoints.heads, r.heads), "
      "architecture = iif(checkpoints.architecture = '', r.architecture, "
      "checkpoints.architecture) "
      "FROM results r WHERE r.id = ? AND checkpoints.id = ?",
      job.result, job.checkpoint);
}

absl::Status PutBackOrFail(Write& write, const LeasedRow& row, const v1::Error& error) {
  auto job = LoadJob(write.db, row.id);
  if (!job.ok()) return job.status();
  const Verdict verdict =
      Judge(error, {job->attempts, job->engine_deaths, job->requeues},
            absl::StrCat("job ", job->key.substr(0, 12), " (", job->model, "@", job->revision,
                         ", sequences ", job->first_sequence, " to ",
                         job->first_sequence + job->sequences - 1, ")"));
  absl::Status status = write.db.Run(
      "UPDATE jobs SET state = ?, attempts = ?, engine_deaths = ?, requeues = ?, ready_at = ?, "
      "error = ? WHERE id = ?",
      verdict.failed ? 4 : 1, verdict.budget.attempts, verdict.budget.engine_deaths,
      verdict.budget.requeues, write.now + verdict.back_off, ErrorToText(verdict.error), row.id);
  if (!status.ok()) return status;
  write.notice.work = write.notice.work || !verdict.failed;
  status = AddJobEvent(write, row.sweep, row.id);
  return status.ok() ? EndSweepIfDone(write, row.sweep) : status;
}

}  // namespace

absl::StatusOr<std::string> WhyLost(Connection& db, const LeaseKey& lease) {
  Statement committed = db.Query("SELECT 1 FROM jobs WHERE key = ? AND state = 3", lease.job);
  if (committed.Step()) return "already committed";
  if (!committed.status().ok()) return committed.status();
  Statement cancelled = db.Query("SELECT 1 FROM jobs WHERE key = ? AND epoch = ? AND state = 5",
                                 lease.job, lease.epoch);
  if (cancelled.Step()) return "sweep cancelled";
  if (!cancelled.status().ok()) return cancelled.status();
  return "lease lost";
}

absl::StatusOr<bool> FailJob(Write& write, const LeaseKey& lease, const v1::Error& error) {
  auto rows = RowsUnder(write.db, lease);
  if (!rows.ok()) return rows.status();
  for (const LeasedRow& row : *rows) {
    if (absl::Status status = PutBackOrFail(write, row, error); !status.ok()) return status;
  }
  return !rows->empty();
}

absl::Status ReturnLease(Write& write, const LeaseKey& lease) {
  auto rows = RowsUnder(write.db, lease);
  if (!rows.ok()) return rows.status();
  for (const LeasedRow& row : *rows) {
    absl::Status status =
        write.db.Run("UPDATE jobs SET state = 1, ready_at = 0 WHERE id = ?", row.id);
    if (status.ok()) status = AddJobEvent(write, row.sweep, row.id);
    if (!status.ok()) return status;
    write.notice.work = true;
  }
  return absl::OkStatus();
}

absl::Status JoinKnownJobs(Write& write, int64_t checkpoint) {
  std::vector<KnownJob> known;
  {
    Statement query = write.db.Query(
        "SELECT j.id, j.checkpoint, MAX(k.result) FROM jobs j JOIN jobs k ON k.key = j.key "
        "WHERE j.checkpoint = ? AND j.state = 1 AND k.state = 3 GROUP BY j.id",
        checkpoint);
    while (query.Step()) known.push_back({query.Int(0), query.Int(1), query.Int(2)});
    if (!query.status().ok()) return query.status();
  }
  for (const KnownJob& job : known) {
    if (absl::Status status = Succeed(write, job); !status.ok()) return status;
  }
  return write.db.Run(
      "UPDATE jobs SET state = 2, epoch = other.epoch, worker = other.worker "
      "FROM jobs other WHERE other.key = jobs.key AND other.state = 2 "
      "AND jobs.checkpoint = ? AND jobs.state = 1",
      checkpoint);
}

}  // namespace ondelette::server
