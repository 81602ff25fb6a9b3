#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/plan/lease_choice.h"
#include "server/store/queue.h"
#include "server/store/row_sql.h"

namespace ondelette::server {
namespace {

// What a checkpoint is and how large, read once for as long as it has jobs.
absl::Status ReadFacts(Connection& db, int64_t checkpoint, LeaseMemory& memory) {
  if (memory.facts.count(checkpoint) > 0) return absl::OkStatus();
  Statement query = db.Query(
      "SELECT c.sweep, c.digest, (SELECT COALESCE(SUM(f.bytes), 0) FROM checkpoint_files f "
      "WHERE f.checkpoint_digest = c.digest), (SELECT count FROM jobs j WHERE j.checkpoint = c.id "
      "ORDER BY j.first LIMIT 1) FROM checkpoints c WHERE c.id = ?",
      checkpoint);
  if (query.Step()) {
    memory.facts[checkpoint] = {query.Int(0), query.Text(1), query.Int(2),
                                query.Real(2) * query.Real(3)};
  }
  return query.status();
}

// What there is to give and who works on it, read once for all grants of a transaction.
absl::Status ReadBoard(Connection& db, const std::vector<LeaseRequest>& requests,
                       LeaseMemory& memory, LeaseBoard& board) {
  Statement work =
      db.Query("SELECT id, queued FROM checkpoints WHERE queued > 0 ORDER BY sweep, position");
  while (work.Step()) {
    if (absl::Status status = ReadFacts(db, work.Int(0), memory); !status.ok()) return status;
    board.Add(work.Int(0), work.Int(1));
  }
  if (!work.status().ok()) return work.status();
  Statement leases = db.Query(
      "SELECT checkpoint, worker, COUNT(*) FROM jobs WHERE state = 2 GROUP BY checkpoint, worker");
  while (leases.Step()) board.AddLeases(leases.Text(1), leases.Int(0), leases.Int(2));
  std::set<std::string> asking;
  for (const LeaseRequest& request : requests) asking.insert(request.worker);
  board.Forget(asking);
  return leases.status();
}

// The last of so many new epochs.
absl::StatusOr<uint64_t> TakeEpochs(Connection& db, size_t count) {
  Statement query =
      db.Query("UPDATE counters SET value = value + ? WHERE name = 'epoch' RETURNING value",
               static_cast<int64_t>(count));
  if (!query.Step()) return query.status();
  const auto epoch = static_cast<uint64_t>(query.Int(0));
  query.Step();
  if (!query.status().ok()) return query.status();
  return epoch;
}

// Leases at most `most` ready jobs of one checkpoint; answers how many.
absl::StatusOr<size_t> GrantFrom(Write& write, int64_t checkpoint, absl::string_view worker,
                                 size_t most, std::vector<GrantedLease>& leases) {
  std::vector<std::pair<int64_t, std::string>> jobs;
  {
    Statement query = write.db.Query(
        "SELECT id, key FROM jobs WHERE checkpoint = ? AND state = 1 AND ready_at <= ? "
        "ORDER BY first LIMIT ?",
        checkpoint, write.now, static_cast<int64_t>(most));
    while (query.Step()) jobs.emplace_back(query.Int(0), query.Text(1));
    if (!query.status().ok()) return query.status();
  }
  if (jobs.empty()) return size_t{0};
  auto last = TakeEpochs(write.db, jobs.size());
  if (!last.ok()) return last.status();
  uint64_t epoch = *last - jobs.size();
  for (const auto& [id, key] : jobs) {
    absl::Status status =
        write.db.Run("UPDATE jobs SET state = 2, epoch = ?, worker = ? WHERE key = ? AND state = 1",
                     ++epoch, worker, key);
    if (!status.ok()) return status;
    Statement query = write.db.Query(absl::StrCat(kSelectLease, "WHERE j.id = ?"), id);
    if (query.Step()) leases.push_back(ReadLease(query));
    if (!query.status().ok()) return query.status();
  }
  return jobs.size();
}

// Tells the worker what it will get after these leases.
absl::Status HintNext(Connection& db, int64_t next, std::vector<GrantedLease>& leases) {
  if (next == LeaseBoard::kNone) return absl::OkStatus();
  Statement query = db.Query("SELECT model, revision FROM checkpoints WHERE id = ?", next);
  if (!query.Step()) return query.status();
  for (GrantedLease& lease : leases) {
    lease.next_model = query.Text(0);
    lease.next_revision = query.Text(1);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<GrantedLease>> GrantOne(Write& write, const LeaseRequest& request,
                                                   LeaseBoard& board) {
  std::vector<GrantedLease> leases;
  const auto most = static_cast<size_t>(request.most);
  while (leases.size() < most) {
    const int64_t checkpoint = board.Choose(request.worker, request.held_checkpoints);
    if (checkpoint == LeaseBoard::kNone) break;
    // One at a time: whether there is another for this worker depends on what is left.
    auto jobs = GrantFrom(write, checkpoint, request.worker, 1, leases);
    if (!jobs.ok()) return jobs.status();
    board.Granted(request.worker, checkpoint, static_cast<int64_t>(*jobs), *jobs == 0);
  }
  if (leases.empty()) return leases;
  const int64_t next =
      board.Promise(request.worker, leases.back().checkpoint_id, request.held_checkpoints);
  if (absl::Status status = HintNext(write.db, next, leases); !status.ok()) return status;
  return leases;
}

}  // namespace

absl::StatusOr<std::vector<std::vector<GrantedLease>>> GrantLeases(
    Write& write, const std::vector<LeaseRequest>& requests, LeaseMemory& memory) {
  LeaseBoard board(memory);
  if (absl::Status status = ReadBoard(write.db, requests, memory, board); !status.ok())
    return status;
  std::vector<std::vector<GrantedLease>> granted;
  granted.reserve(requests.size());
  for (const LeaseRequest& request : requests) {
    auto leases = GrantOne(write, request, board);
    if (!leases.ok()) return leases.status();
    granted.push_back(*std::move(leases));
  }
  return granted;
}

}  // namespace ondelette::server
