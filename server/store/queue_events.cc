#include <algorithm>

#include "server/store/queue.h"
#include "server/store/row_sql.h"
#include "server/store/to_proto.h"

namespace ondelette::server {

absl::Status AddEvent(Write& write, int64_t sweep, v1::SweepEvent event) {
  std::string id;
  {
    // No LoadSweep: a sweep's lists are long, and this is done for every job.
    Statement query = write.db.Query(
        "SELECT id, state, total, queued, leased, succeeded, failed, cancelled FROM sweeps "
        "WHERE number = ?",
        sweep);
    if (!query.Step()) {
      return query.status().ok() ? absl::NotFoundError("the store has no such sweep")
                                 : query.status();
    }
    id = query.Text(0);
    event.set_state(static_cast<v1::SweepState>(query.Int(1)));
    *event.mutable_jobs() = ToProto(JobCounts{query.Int(2), query.Int(3), query.Int(4),
                                              query.Int(5), query.Int(6), query.Int(7)});
  }
  *event.mutable_time() = ToProto(write.now);
  const std::string data = event.SerializeAsString();
  absl::Status status =
      write.db.Run("INSERT INTO events (sweep, data) VALUES (?, ?)", sweep, Statement::Blob{data});
  if (!status.ok()) return status;
  std::vector<std::string>& sweeps = write.notice.sweeps;
  if (std::find(sweeps.begin(), sweeps.end(), id) == sweeps.end()) sweeps.push_back(id);
  write.cursors[sweep] = write.db.LastInsertId();
  return absl::OkStatus();
}

absl::Status PutCursors(Write& write) {
  for (const auto& [sweep, cursor] : write.cursors) {
    absl::Status status =
        write.db.Run("UPDATE sweeps SET cursor = ? WHERE number = ?", cursor, sweep);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AddCheckpointEvent(Write& write, int64_t sweep, int64_t checkpoint) {
  auto row = LoadCheckpoint(write.db, checkpoint);
  if (!row.ok()) return row.status();
  v1::SweepEvent event;
  if (row->alias_of == 0) {
    *event.mutable_checkpoint() = ToProto(*row, nullptr);
  } else {
    auto owner = LoadCheckpoint(write.db, row->alias_of);
    if (!owner.ok()) return owner.status();
    *event.mutable_checkpoint() = ToProto(*row, &*owner);
  }
  return AddEvent(write, sweep, std::move(event));
}

absl::Status AddJobEvent(Write& write, int64_t sweep, int64_t job) {
  auto row = LoadJob(write.db, job);
  if (!row.ok()) return row.status();
  v1::SweepEvent event;
  *event.mutable_job() = ToProto(*row);
  return AddEvent(write, sweep, std::move(event));
}

absl::Status EndSweepIfDone(Write& write, int64_t sweep) {
  absl::Status status = write.db.Run(
      "UPDATE sweeps SET state = iif(failed + failed_checkpoints > 0, 3, 2), end_time = ? "
      "WHERE number = ? AND state = 1 AND unresolved = 0 AND queued + leased = 0",
      write.now, sweep);
  if (!status.ok() || write.db.Changes() == 0) return status;
  return AddEvent(write, sweep, {});
}

absl::Status NoteIfComplete(Write& write, int64_t checkpoint) {
  Statement query = write.db.Query(
      "SELECT 1 FROM checkpoints WHERE id = ? AND total > 0 AND succeeded = total", checkpoint);
  if (query.Step()) write.notice.completed.push_back(checkpoint);
  return query.status();
}

}  // namespace ondelette::server
