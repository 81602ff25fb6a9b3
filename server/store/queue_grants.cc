#include <optional>
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

// Who works on what, where it is not known.
absl::Status ReadLeases(Connection& db, LeaseMemory& memory) {
  if (memory.leases) return absl::OkStatus();
  Statement leases = db.Query(
      "SELECT checkpoint, worker, COUNT(*) FROM jobs WHERE state = 2 GROUP BY checkpoint, worker");
  memory.leases.emplace();
  while (leases.Step()) memory.leases->Add(leases.Text(1), leases.Int(0), leases.Int(2));
  return leases.status();
}

// What there is to give, read once for all grants of a transaction.
absl::Status ReadBoard(Connection& db, absl::Span<const LeaseRequest> requests, LeaseMemory& memory,
                       LeaseBoard& board) {
  Statement work =
      db.Query("SELECT id, queued FROM checkpoints WHERE queued > 0 ORDER BY sweep, position");
  while (work.Step()) {
    if (absl::Status status = ReadFacts(db, work.Int(0), memory); !status.ok()) return status;
    board.Add(work.Int(0), work.Int(1));
  }
  if (!work.status().ok()) return work.status();
  std::set<std::string> asking;
  for (const LeaseRequest& request : requests) asking.insert(request.worker);
  board.Forget(asking);
  return absl::OkStatus();
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

// The grants of one transaction.
class Grants {
 public:
  Grants(Write& write, LeaseBoard& board) : write_(write), board_(board) {}

  absl::StatusOr<std::vector<GrantedLease>> Give(const LeaseRequest& request) {
    std::vector<GrantedLease> leases;
    while (leases.size() < static_cast<size_t>(request.most)) {
      const int64_t checkpoint = board_.Choose(request.worker, request.held_checkpoints);
      if (checkpoint == LeaseBoard::kNone) break;
      // One at a time: whether there is another for this worker depends on what is left.
      auto job = ReadyJob(checkpoint);
      if (!job.ok()) return job.status();
      board_.Granted(request.worker, checkpoint, *job ? 1 : 0, !*job);
      if (!*job) continue;
      auto lease = Lease(**job, checkpoint, request.worker);
      if (!lease.ok()) return lease.status();
      leases.push_back(*std::move(lease));
    }
    if (leases.empty()) return leases;
    const int64_t next =
        board_.Promise(request.worker, leases.back().checkpoint_id, request.held_checkpoints);
    if (absl::Status status = HintNext(write_.db, next, leases); !status.ok()) return status;
    return leases;
  }

  absl::Status End() {
    if (epoch_ == 0) return absl::OkStatus();
    return write_.db.Run("UPDATE counters SET value = ? WHERE name = 'epoch'", epoch_);
  }

 private:
  struct Job {
    int64_t id;
    std::string key;
  };

  absl::StatusOr<std::optional<Job>> ReadyJob(int64_t checkpoint) {
    Statement query = write_.db.Query(
        "SELECT id, key FROM jobs WHERE checkpoint = ? AND state = 1 AND ready_at <= ? "
        "ORDER BY first LIMIT 1",
        checkpoint, write_.now);
    std::optional<Job> job;
    if (query.Step()) job = {query.Int(0), query.Text(1)};
    if (!query.status().ok()) return query.status();
    return job;
  }

  // The job's rows in other sweeps are leased with it.
  absl::StatusOr<GrantedLease> Lease(const Job& job, int64_t checkpoint,
                                     const std::string& worker) {
    if (absl::Status status = NextEpoch(); !status.ok()) return status;
    absl::Status status = write_.db.Run(
        "UPDATE jobs SET state = 2, epoch = ?, worker = ? WHERE key = ? AND state = 1", epoch_,
        worker, job.key);
    if (status.ok() && write_.db.Changes() > 1) status = AddOthers(job, checkpoint, worker);
    if (!status.ok()) return status;
    Statement query = write_.db.Query(absl::StrCat(kSelectLease, "WHERE j.id = ?"), job.id);
    if (query.Step()) return ReadLease(query);
    return query.status().ok() ? absl::NotFoundError("the store has no such job") : query.status();
  }

  absl::Status AddOthers(const Job& job, int64_t checkpoint, const std::string& worker) {
    Statement others = write_.db.Query(
        "SELECT checkpoint FROM jobs WHERE key = ? AND state = 2 AND checkpoint <> ?", job.key,
        checkpoint);
    while (others.Step()) board_.AddLeases(worker, others.Int(0), 1);
    return others.status();
  }

  // Epochs are read at the first grant of the transaction and put back at its end.
  absl::Status NextEpoch() {
    if (epoch_ == 0) {
      Statement query = write_.db.Query("SELECT value FROM counters WHERE name = 'epoch'");
      if (query.Step()) epoch_ = static_cast<uint64_t>(query.Int(0));
      if (!query.status().ok()) return query.status();
    }
    ++epoch_;
    return absl::OkStatus();
  }

  Write& write_;
  LeaseBoard& board_;
  uint64_t epoch_ = 0;  // the last one given; 0: none yet
};

}  // namespace

absl::StatusOr<std::vector<std::vector<GrantedLease>>> GrantLeases(
    Write& write, absl::Span<const LeaseRequest> requests, LeaseMemory& memory) {
  absl::Status status = ReadLeases(write.db, memory);
  if (!status.ok()) return status;
  LeaseBoard board(memory);
  if (status = ReadBoard(write.db, requests, memory, board); !status.ok()) return status;
  Grants grants(write, board);
  std::vector<std::vector<GrantedLease>> granted;
  granted.reserve(requests.size());
  for (const LeaseRequest& request : requests) {
    auto leases = grants.Give(request);
    if (!leases.ok()) return leases.status();
    granted.push_back(*std::move(leases));
  }
  if (status = grants.End(); !status.ok()) return status;
  return granted;
}

}  // namespace ondelette::server
