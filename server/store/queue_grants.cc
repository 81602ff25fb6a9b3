#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/plan/lease_choice.h"
#include "server/store/queue.h"
#include "server/store/row_sql.h"

namespace ondelette::server {
namespace {

// How many checkpoints with work are weighed at a grant: more than workers will ever share.
constexpr size_t kMostCandidates = 1000;
// Of the candidates, ranked for a worker that holds nothing.
constexpr size_t kBest = 8;

// What there is to give and who works on it, read once for all grants of a transaction and kept up
// with them.
class Board {
 public:
  static absl::StatusOr<Board> Read(Connection& db) {
    Board board;
    absl::Status status = board.AddCandidates(
        db.Query("SELECT id, digest, model, revision, queued FROM checkpoints WHERE queued > 0 "
                 "ORDER BY sweep, position LIMIT ?",
                 static_cast<int64_t>(kMostCandidates)));
    if (status.ok() && !board.entries_.empty()) status = board.AddWorkers(db);
    if (!status.ok()) return status;
    return board;
  }

  // The candidates for this worker, best first.
  std::vector<LeaseCandidate> RankedFor(const LeaseRequest& request) const {
    std::vector<size_t> all(entries_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    return Rank(request, all);
  }

  // The best of them alone, much sooner: those that the worker holds or works on, and the few that
  // are best for a worker without any.
  absl::StatusOr<std::vector<LeaseCandidate>> BestFor(Connection& db, const LeaseRequest& request) {
    if (absl::Status status = AddLoaded(db, request); !status.ok()) return status;
    if (best_for_all_.empty()) {
      for (const LeaseCandidate& candidate : RankedFor({})) {
        if (best_for_all_.size() < kBest) best_for_all_.push_back(index_[candidate.checkpoint_id]);
      }
    }
    std::vector<size_t> some = best_for_all_;
    for (const std::string& digest : request.held_checkpoints) {
      auto found = by_digest_.find(digest);
      if (found != by_digest_.end())
        some.insert(some.end(), found->second.begin(), found->second.end());
    }
    for (int64_t checkpoint : OwnOf(request.worker)) {
      if (auto found = index_.find(checkpoint); found != index_.end())
        some.push_back(found->second);
    }
    std::sort(some.begin(), some.end());
    some.erase(std::unique(some.begin(), some.end()), some.end());
    return Rank(request, some);
  }

  // So many of the checkpoint's jobs went to the worker; `dry`: nothing of it is ready any more.
  void Granted(const std::string& worker, int64_t checkpoint, int64_t jobs, bool dry) {
    LeaseCandidate& entry = entries_[index_[checkpoint]];
    entry.queued = dry ? 0 : entry.queued - jobs;
    if (entry.queued <= 0) best_for_all_.clear();
    if (jobs > 0) AddWorker(worker, checkpoint);
  }

 private:
  absl::Status AddCandidates(Statement query) {
    while (query.Step()) {
      index_[query.Int(0)] = entries_.size();
      entries_.push_back(
          {query.Int(0), query.Text(1), query.Text(2), query.Text(3), query.Int(4), 0});
      by_digest_[entries_.back().digest].push_back(entries_.size() - 1);
    }
    return query.status();
  }

  absl::Status AddWorkers(Connection& db) {
    Statement query = db.Query("SELECT DISTINCT checkpoint, worker FROM jobs WHERE state = 2");
    while (query.Step()) AddWorker(query.Text(1), query.Int(0));
    return query.status();
  }

  void AddWorker(const std::string& worker, int64_t checkpoint) {
    std::vector<int64_t>& own = checkpoints_of_[worker];
    if (std::find(own.begin(), own.end(), checkpoint) != own.end()) return;
    own.push_back(checkpoint);
    auto found = index_.find(checkpoint);
    if (found == index_.end()) return;
    ++entries_[found->second].other_workers;
    best_for_all_.clear();
  }

  const std::vector<int64_t>& OwnOf(const std::string& worker) const {
    static const std::vector<int64_t> kNone;
    auto found = checkpoints_of_.find(worker);
    return found == checkpoints_of_.end() ? kNone : found->second;
  }

  // `some` ascending: indices of entries_.
  std::vector<LeaseCandidate> Rank(const LeaseRequest& request,
                                   const std::vector<size_t>& some) const {
    std::vector<LeaseCandidate> candidates;
    candidates.reserve(some.size());
    const std::vector<int64_t>& own = OwnOf(request.worker);
    for (size_t index : some) {
      if (entries_[index].queued <= 0) continue;
      LeaseCandidate& candidate = candidates.emplace_back(entries_[index]);
      for (int64_t checkpoint : own) {
        if (checkpoint == candidate.checkpoint_id) --candidate.other_workers;
      }
    }
    RankCandidates(request.held_checkpoints, candidates);
    return candidates;
  }

  // The loaded checkpoint, where the limit cut it off.
  absl::Status AddLoaded(Connection& db, const LeaseRequest& request) {
    if (entries_.size() < kMostCandidates || request.held_checkpoints.empty() ||
        !by_digest_.try_emplace(request.held_checkpoints.front()).second)
      return absl::OkStatus();
    const size_t before = entries_.size();
    absl::Status status =
        AddCandidates(db.Query("SELECT id, digest, model, revision, queued FROM checkpoints "
                               "WHERE queued > 0 AND digest = ? ORDER BY sweep, position",
                               request.held_checkpoints.front()));
    for (const auto& [worker, own] : checkpoints_of_) {
      for (int64_t checkpoint : own) {
        auto found = index_.find(checkpoint);
        if (found != index_.end() && found->second >= before)
          ++entries_[found->second].other_workers;
      }
    }
    return status;
  }

  // Oldest sweep first and in listing order; other_workers counts all workers.
  std::vector<LeaseCandidate> entries_;
  std::unordered_map<int64_t, size_t> index_;  // of entries_, by checkpoint
  // Indices of entries_; those of a loaded checkpoint without work are none.
  std::unordered_map<std::string, std::vector<size_t>> by_digest_;
  std::unordered_map<std::string, std::vector<int64_t>> checkpoints_of_;  // by worker
  std::vector<size_t> best_for_all_;  // indices of entries_; empty: to be ranked again
};

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

// What the worker will probably get after these leases: the best checkpoint of another digest.
void HintNext(const std::vector<LeaseCandidate>& ranked, std::vector<GrantedLease>& leases) {
  if (leases.empty()) return;
  for (const LeaseCandidate& candidate : ranked) {
    bool granted = false;
    for (const GrantedLease& lease : leases)
      granted = granted || lease.checkpoint_digest == candidate.digest;
    if (granted) continue;
    for (GrantedLease& lease : leases) {
      lease.next_model = candidate.model;
      lease.next_revision = candidate.revision;
    }
    return;
  }
}

absl::Status GrantInOrder(Write& write, const LeaseRequest& request,
                          const std::vector<LeaseCandidate>& ranked, Board& board,
                          std::vector<GrantedLease>& leases) {
  const auto most = static_cast<size_t>(request.most);
  for (const LeaseCandidate& candidate : ranked) {
    if (leases.size() >= most) break;
    const size_t wanted = most - leases.size();
    auto jobs = GrantFrom(write, candidate.checkpoint_id, request.worker, wanted, leases);
    if (!jobs.ok()) return jobs.status();
    board.Granted(request.worker, candidate.checkpoint_id, static_cast<int64_t>(*jobs),
                  *jobs < wanted);
  }
  HintNext(ranked, leases);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<GrantedLease>> GrantOne(Write& write, const LeaseRequest& request,
                                                   Board& board) {
  std::vector<GrantedLease> leases;
  auto best = board.BestFor(write.db, request);
  if (!best.ok()) return best.status();
  absl::Status status = GrantInOrder(write, request, *best, board, leases);
  if (status.ok() && leases.size() < static_cast<size_t>(request.most))
    status = GrantInOrder(write, request, board.RankedFor(request), board, leases);
  if (!status.ok()) return status;
  return leases;
}

}  // namespace

absl::StatusOr<std::vector<std::vector<GrantedLease>>> GrantLeases(
    Write& write, const std::vector<LeaseRequest>& requests) {
  auto board = Board::Read(write.db);
  if (!board.ok()) return board.status();
  std::vector<std::vector<GrantedLease>> granted;
  granted.reserve(requests.size());
  for (const LeaseRequest& request : requests) {
    auto leases = GrantOne(write, request, *board);
    if (!leases.ok()) return leases.status();
    granted.push_back(*std::move(leases));
  }
  return granted;
}

}  // namespace ondelette::server
