#include "server/store/sqlite_store.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors/errors.h"
#include "server/store/corpus_sql.h"
#include "server/store/queue.h"
#include "server/store/result_sql.h"
#include "server/store/row_sql.h"
#include "server/store/sqlite_files.h"
#include "server/store/sweep_sql.h"

namespace ondelette::server {
namespace {

// Locks, begins, calls and commits; what the methods do is in the *_sql.cc and queue_*.cc files.
class SqliteStore : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<SqliteFiles> files) : files_(std::move(files)) {}

  void SetListener(std::function<void(const StoreNotice&)> listener) override {
    files_->SetListener(std::move(listener));
  }

  absl::StatusOr<StoredSweep> CreateSweep(const NewSweep& sweep, absl::Time now) override {
    return files_->InWrite(now, [&](Write& write) -> absl::StatusOr<StoredSweep> {
      auto number = InsertSweep(write, sweep);
      if (!number.ok()) return number.status();
      return LoadSweep(write.db, *number);
    });
  }
  absl::StatusOr<StoredSweep> FindSweep(absl::string_view reference) override {
    return files_->InRead([&](Connection& db) { return SweepByReference(db, reference); });
  }
  absl::StatusOr<Page<StoredSweep>> ListSweeps(int page_size, absl::string_view token) override {
    return files_->InRead([&](Connection& db) { return SweepPage(db, page_size, token); });
  }
  absl::StatusOr<std::vector<StoredCheckpoint>> Checkpoints(absl::string_view sweep_id) override {
    return files_->InRead([&](Connection& db) { return CheckpointsOf(db, sweep_id); });
  }
  absl::StatusOr<StoredCheckpoint> GetCheckpoint(int64_t checkpoint_id) override {
    return files_->InRead([&](Connection& db) { return LoadCheckpoint(db, checkpoint_id); });
  }
  absl::StatusOr<Page<StoredJob>> ListJobs(absl::string_view sweep_id, v1::JobState state,
                                           int page_size, absl::string_view token) override {
    return files_->InRead(
        [&](Connection& db) { return JobPage(db, sweep_id, state, page_size, token); });
  }
  absl::StatusOr<std::vector<v1::SweepEvent>> Events(absl::string_view sweep_id, uint64_t cursor,
                                                     int limit) override {
    return files_->InRead([&](Connection& db) { return EventsAfter(db, sweep_id, cursor, limit); });
  }
  absl::StatusOr<std::vector<GrantedLease>> CancelSweep(absl::string_view sweep_id,
                                                        absl::Time now) override {
    return ChangeLeases(now, [&](Write& write) -> absl::StatusOr<std::vector<GrantedLease>> {
      auto number = SweepNumber(write.db, sweep_id);
      if (!number.ok()) return number.status();
      return server::CancelSweep(write, *number);
    });
  }
  absl::StatusOr<RetryOutcome> RetryFailed(absl::string_view sweep_id, absl::Time now) override {
    return ChangeLeases(now, [&](Write& write) -> absl::StatusOr<RetryOutcome> {
      auto number = SweepNumber(write.db, sweep_id);
      if (!number.ok()) return number.status();
      return server::RetryFailed(write, *number);
    });
  }

  absl::StatusOr<std::vector<StoredCheckpoint>> UnresolvedCheckpoints(int limit,
                                                                      absl::Time now) override {
    return files_->InRead([&](Connection& db) { return ReadyToResolve(db, limit, now); });
  }
  absl::Status ResolveCheckpoint(int64_t checkpoint_id, const Resolution& resolution,
                                 absl::Time now) override {
    return ChangeLeases(now, [&](Write& write) {
      return server::ResolveCheckpoint(write, checkpoint_id, resolution);
    });
  }
  absl::Status FailCheckpoint(int64_t checkpoint_id, const v1::Error& error,
                              absl::Time now) override {
    return files_->InWrite(
        now, [&](Write& write) { return server::FailCheckpoint(write, checkpoint_id, error); });
  }

  RoundOutcome CommitAndGrant(absl::Span<const JobCommit> commits,
                              absl::Span<const LeaseRequest> requests, absl::Time now) override {
    RoundOutcome outcome = {{}, std::vector<std::vector<GrantedLease>>()};
    if (commits.empty() && requests.empty()) return outcome;
    auto together = RunRound(commits, requests, now);
    if (together.ok()) {
      outcome.commits.assign(together->committed.begin(), together->committed.end());
      outcome.granted = std::move(together->granted);
    } else if (requests.empty() && commits.size() == 1) {
      outcome.commits.push_back(together.status());
    } else if (commits.empty()) {
      outcome.granted = together.status();
    } else {
      for (const JobCommit& commit : commits) {
        RoundOutcome alone = CommitAndGrant(absl::MakeConstSpan(&commit, 1), {}, now);
        outcome.commits.push_back(std::move(alone.commits.front()));
      }
      outcome.granted = CommitAndGrant({}, requests, now).granted;
    }
    return outcome;
  }
  absl::StatusOr<std::vector<GrantedLease>> Leases() override {
    return files_->InRead([&](Connection& db) { return AllLeases(db); });
  }
  absl::StatusOr<std::string> WhyLost(const LeaseKey& lease) override {
    return files_->InRead([&](Connection& db) { return server::WhyLost(db, lease); });
  }
  absl::StatusOr<bool> FailJob(const LeaseKey& lease, const v1::Error& error,
                               absl::Time now) override {
    return ChangeLeases(now, [&](Write& write) { return server::FailJob(write, lease, error); });
  }
  absl::Status ReturnLeases(const std::vector<LeaseKey>& leases, absl::Time now) override {
    return ChangeLeases(now, [&](Write& write) {
      absl::Status status;
      for (const LeaseKey& lease : leases) {
        if (status.ok()) status = ReturnLease(write, lease);
      }
      return status;
    });
  }

  absl::StatusOr<std::vector<SequenceRecords>> Records(int64_t checkpoint_id,
                                                       int64_t first_sequence,
                                                       int64_t max_bytes) override {
    return files_->InRead(
        [&](Connection& db) { return RecordsFrom(db, checkpoint_id, first_sequence, max_bytes); });
  }
  absl::StatusOr<std::vector<JobProvenance>> Provenance(int64_t checkpoint_id) override {
    return files_->InRead([&](Connection& db) { return ProvenanceOf(db, checkpoint_id); });
  }
  absl::Status PutAggregates(const AggregateKey& key, absl::string_view blob) override {
    return files_->InWrite(absl::Now(),
                           [&](Write& write) { return StoreAggregates(write.db, key, blob); });
  }
  absl::StatusOr<std::optional<std::string>> GetAggregates(const AggregateKey& key) override {
    return files_->InRead([&](Connection& db) { return AggregatesOf(db, key); });
  }

  absl::StatusOr<std::map<std::string, std::string>> SpecsWithoutControls() override {
    return files_->InRead([&](Connection& db) { return PendingControls(db); });
  }
  absl::Status PutControls(absl::string_view spec_digest, const v1::Controls& controls) override {
    return files_->InWrite(absl::Now(), [&](Write& write) {
      return StoreControls(write.db, spec_digest, controls.SerializeAsString(), {});
    });
  }
  absl::Status FailControls(absl::string_view spec_digest, const v1::Error& error) override {
    return files_->InWrite(
        absl::Now(), [&](Write& write) { return StoreControls(write.db, spec_digest, "", error); });
  }
  absl::StatusOr<v1::Controls> GetControls(absl::string_view spec_digest) override {
    return files_->InRead([&](Connection& db) { return ControlsOf(db, spec_digest); });
  }

  absl::StatusOr<StoredCorpus> PutCorpus(const StoredCorpus& corpus, absl::string_view bytes,
                                         const std::vector<std::string>& ids) override {
    return files_->InWrite(absl::Now(),
                           [&](Write& write) { return StoreCorpus(write.db, corpus, bytes, ids); });
  }
  absl::StatusOr<StoredCorpus> FindCorpus(absl::string_view reference) override {
    return files_->InRead([&](Connection& db) { return CorpusByReference(db, reference); });
  }
  absl::StatusOr<Page<StoredCorpus>> ListCorpora(int page_size, absl::string_view token) override {
    return files_->InRead([&](Connection& db) { return CorpusPage(db, page_size, token); });
  }
  absl::StatusOr<std::string> ReadCorpus(absl::string_view digest, int64_t offset,
                                         int64_t max_bytes) override {
    return files_->InRead(
        [&](Connection& db) { return CorpusBytes(db, digest, offset, max_bytes); });
  }

  absl::StatusOr<JobCounts> CountJobs() override {
    return files_->InRead([&](Connection& db) { return AllJobCounts(db); });
  }

 private:
  struct Round {
    std::vector<CommitOutcome> committed;
    std::vector<std::vector<GrantedLease>> granted;
  };

  absl::StatusOr<Round> RunRound(absl::Span<const JobCommit> commits,
                                 absl::Span<const LeaseRequest> requests, absl::Time now) {
    return files_->InWrite(now, [&](Write& write) -> absl::StatusOr<Round> {
      // Kept where the transaction is committed, else lost.
      auto memory = std::make_shared<LeaseMemory>(std::exchange(lease_memory_, {}));
      write.committed = [this, memory] { lease_memory_ = std::move(*memory); };
      Round round;
      auto committed = server::CommitJobs(write, commits, *memory);
      if (!committed.ok()) return committed.status();
      round.committed = *std::move(committed);
      if (requests.empty()) return round;
      auto granted = server::GrantLeases(write, requests, *memory);
      if (!granted.ok()) return granted.status();
      round.granted = *std::move(granted);
      return round;
    });
  }

  // A change by which leases may begin or end.
  template <typename Body>
  std::invoke_result_t<Body, Write&> ChangeLeases(absl::Time now, Body body) {
    return files_->InWrite(now, [&](Write& write) {
      lease_memory_.leases.reset();
      return body(write);
    });
  }

  const std::unique_ptr<SqliteFiles> files_;
  LeaseMemory lease_memory_;  // of write transactions, of which there is one at a time
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options) {
  auto files = SqliteFiles::Open(options);
  if (!files.ok()) return files.status();
  return std::make_unique<SqliteStore>(*std::move(files));
}

}  // namespace ondelette::server
