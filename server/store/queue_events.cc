#include <algorithm>

#include "server/store/queue.h"
#include "server/store/row_sql.h"
#include "server/store/to_proto.h"

namespace ondelette::server {

absl::Status AddEvent(Write& write, int64_t sweep, v1::SweepEvent event) {
  auto row = LoadSweep(write.db, sweep);
  if (!row.ok()) return row.status();
  event.set_state(row->state);
  *event.mutable_jobs() = ToProto(row->jobs);
  *event.mutable_time() = ToProto(write.now);
  const std::string data = event.SerializeAsString();
  absl::Status status =
      write.db.Run("INSERT INTO events (sweep, data) VALUES (?, ?)", sweep, Statement::Blob{data});
  if (!status.ok()) return status;
  std::vector<std::string>& sweeps = write.notice.sweeps;
  if (std::find(sweeps.begin(), sweeps.end(), row->id) == sweeps.end()) sweeps.push_back(row->id);
  return write.db.Run("UPDATE sweeps SET cursor = ? WHERE number = ?", write.db.LastInsertId(),
                      sweep);
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
