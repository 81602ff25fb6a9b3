// The store: sweeps, their queue, results, aggregates and corpora, durable from the moment that a
// method answers. The coordinator keeps nothing that is not here, except who was heard when.
//
// Every method that changes something is one transaction: it happens wholly or, where it answers an
// error, not at all. docs/queue.md draws the state machine whose transitions the methods below are.
//
// Thread-safe. Methods block on the disk: never call them from a gRPC callback thread. Reads never
// wait for writes.
//
// Errors: NOT_FOUND where a named thing is not there; UNAVAILABLE with reason STORE_FULL or
// STORE_UNAVAILABLE where the disk failed, after which the store goes on; else as each method says.
#ifndef ONDELETTE_SERVER_STORE_STORE_H_
#define ONDELETTE_SERVER_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "ondelette/v1/work.pb.h"
#include "server/store/rows.h"

namespace ondelette::server {

// What a transaction changed that somebody may be waiting for.
struct StoreNotice {
  std::vector<std::string> sweeps;  // that have new events
  bool work = false;                // jobs or tasks may have become available
  std::vector<int64_t> completed;   // checkpoints all of whose jobs have now succeeded
};

struct CommitOutcome {
  bool committed = false;
  std::string reason;  // why not: "already committed", "lease lost", "sweep cancelled"
};

// Of a round: as many outcomes as commits, as many lists of leases as requests.
struct RoundOutcome {
  std::vector<absl::StatusOr<CommitOutcome>> commits;
  absl::StatusOr<std::vector<std::vector<GrantedLease>>> granted;
};

struct RetryOutcome {
  int64_t jobs = 0;
  int64_t checkpoints = 0;
};

// A list in pages; `next` is the token of the page that follows, "" after the last.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;
};

class Store {
 public:
  virtual ~Store() = default;

  // Called after every transaction that changed something, on the thread that did it and without
  // any lock held. Set it before the first change; one listener.
  virtual void SetListener(std::function<void(const StoreNotice&)> listener) = 0;

  // ---- Sweeps ----

  // Commits the sweep with all its checkpoints UNRESOLVED. The same request id and body answer the
  // sweep that is there; another body is ALREADY_EXISTS, REQUEST_ID_REUSED.
  virtual absl::StatusOr<StoredSweep> CreateSweep(const NewSweep& sweep, absl::Time now) = 0;
  // By id, by a unique beginning of one, or by name (the newest). NOT_FOUND SWEEP_UNKNOWN;
  // INVALID_ARGUMENT SWEEP_AMBIGUOUS.
  virtual absl::StatusOr<StoredSweep> FindSweep(absl::string_view reference) = 0;
  // Newest first.
  virtual absl::StatusOr<Page<StoredSweep>> ListSweeps(int page_size, absl::string_view token) = 0;
  // All of them, in listing order.
  virtual absl::StatusOr<std::vector<StoredCheckpoint>> Checkpoints(absl::string_view sweep_id) = 0;
  virtual absl::StatusOr<StoredCheckpoint> GetCheckpoint(int64_t checkpoint_id) = 0;
  // In listing order, then by first sequence. `state` UNSPECIFIED: all.
  virtual absl::StatusOr<Page<StoredJob>> ListJobs(absl::string_view sweep_id, v1::JobState state,
                                                   int page_size, absl::string_view token) = 0;
  // At most `limit` events of the sweep after `cursor`, oldest first.
  virtual absl::StatusOr<std::vector<v1::SweepEvent>> Events(absl::string_view sweep_id,
                                                             uint64_t cursor, int limit) = 0;
  // Final. Idempotent; FAILED_PRECONDITION SWEEP_ENDED where it ended otherwise. Answers the leases
  // that hold no longer.
  virtual absl::StatusOr<std::vector<GrantedLease>> CancelSweep(absl::string_view sweep_id,
                                                                absl::Time now) = 0;
  // Fresh budgets for what failed, and the sweep runs again. FAILED_PRECONDITION SWEEP_CANCELLED.
  virtual absl::StatusOr<RetryOutcome> RetryFailed(absl::string_view sweep_id, absl::Time now) = 0;

  // ---- Resolving checkpoints ----

  // At most `limit` unresolved checkpoints of running sweeps whose back-off is over, oldest sweep
  // first, in listing order.
  virtual absl::StatusOr<std::vector<StoredCheckpoint>> UnresolvedCheckpoints(int limit,
                                                                              absl::Time now) = 0;
  // RESOLVED with its jobs, or ALIASED. Of the checkpoints of a sweep with one digest, the first in
  // listing order is the computed one, in whatever order they are resolved. Jobs whose results the
  // store has are inserted as succeeded. No-op where the checkpoint is not unresolved any more.
  virtual absl::Status ResolveCheckpoint(int64_t checkpoint_id, const Resolution& resolution,
                                         absl::Time now) = 0;
  // Retried with back-off or FAILED, by the error's class.
  virtual absl::Status FailCheckpoint(int64_t checkpoint_id, const v1::Error& error,
                                      absl::Time now) = 0;

  // ---- Leases ----

  // Takes results and gives work, as though one after another, commits first: all in one
  // transaction, with one wait for the disk. It answers when all is on the disk. Where something
  // fails, each commit has a transaction of its own, so that it fails alone, and then all grants.
  //
  // A commit is records and success, fenced by (job, epoch). Every running sweep with the key has it
  // succeeded. FAILED_PRECONDITION RECORDS_INCONSISTENT where layers or heads differ from those of
  // the checkpoint's other results.
  //
  // A grant leases queued jobs whose back-off is over; plan/lease_choice.h says which.
  virtual RoundOutcome CommitAndGrant(absl::Span<const JobCommit> commits,
                                      absl::Span<const LeaseRequest> requests, absl::Time now) = 0;
  absl::StatusOr<CommitOutcome> CommitJob(const LeaseKey& lease, const JobResult& result,
                                          absl::Time now) {
    return std::move(CommitJobs({{lease, result}}, now).front());
  }
  std::vector<absl::StatusOr<CommitOutcome>> CommitJobs(const std::vector<JobCommit>& commits,
                                                        absl::Time now) {
    return CommitAndGrant(commits, {}, now).commits;
  }
  absl::StatusOr<std::vector<std::vector<GrantedLease>>> GrantLeases(
      const std::vector<LeaseRequest>& requests, absl::Time now) {
    return CommitAndGrant({}, requests, now).granted;
  }
  absl::StatusOr<std::vector<GrantedLease>> GrantLeases(
      const std::string& worker, const std::vector<std::string>& held_checkpoints, int most,
      absl::Time now) {
    auto granted = GrantLeases({{worker, held_checkpoints, most}}, now);
    if (!granted.ok()) return granted.status();
    return std::move(granted->front());
  }
  // Every lease there is: a coordinator that starts adopts them.
  virtual absl::StatusOr<std::vector<GrantedLease>> Leases() = 0;
  // Why a lease does not hold, for its worker: the reasons of CommitOutcome.
  virtual absl::StatusOr<std::string> WhyLost(const LeaseKey& lease) = 0;
  // The job back to the queue, or failed, by the error's class. False where the lease was lost.
  virtual absl::StatusOr<bool> FailJob(const LeaseKey& lease, const v1::Error& error,
                                       absl::Time now) = 0;
  // The jobs back to the queue: handed back, at no cost. Leases lost already are passed over.
  virtual absl::Status ReturnLeases(const std::vector<LeaseKey>& leases, absl::Time now) = 0;

  // ---- Results ----

  // Records of the checkpoint's succeeded jobs, of sequences >= first_sequence, ascending: at least
  // one sequence where there is one, then as many as fit into max_bytes. Go on with the last
  // sequence + 1; empty at the end. For an alias, ask for its alias_of.
  virtual absl::StatusOr<std::vector<SequenceRecords>> Records(int64_t checkpoint_id,
                                                               int64_t first_sequence,
                                                               int64_t max_bytes) = 0;
  // Of the checkpoint's succeeded jobs, by first sequence.
  virtual absl::StatusOr<std::vector<JobProvenance>> Provenance(int64_t checkpoint_id) = 0;
  // Aggregates are opaque here. Putting them again replaces them.
  virtual absl::Status PutAggregates(const AggregateKey& key, absl::string_view blob) = 0;
  virtual absl::StatusOr<std::optional<std::string>> GetAggregates(const AggregateKey& key) = 0;

  // ---- Controls, once a spec ----

  // Specs (digest -> JSON) of sweeps, but for cancelled ones, whose controls are neither there nor
  // failed.
  virtual absl::StatusOr<std::map<std::string, std::string>> SpecsWithoutControls() = 0;
  virtual absl::Status PutControls(absl::string_view spec_digest, const v1::Controls& controls) = 0;
  virtual absl::Status FailControls(absl::string_view spec_digest, const v1::Error& error) = 0;
  // NOT_FOUND CONTROLS_PENDING until a worker has computed them; their error where that failed.
  virtual absl::StatusOr<v1::Controls> GetControls(absl::string_view spec_digest) = 0;

  // ---- Corpora ----

  // Content-addressed: `bytes` under an own digest once, under any number of names. ids[i] names
  // sequence i. Answers the corpus as stored.
  virtual absl::StatusOr<StoredCorpus> PutCorpus(const StoredCorpus& corpus,
                                                 absl::string_view bytes,
                                                 const std::vector<std::string>& ids) = 0;
  // By name (the last upload under it), digest, or a unique beginning of a digest. NOT_FOUND
  // CORPUS_UNKNOWN; INVALID_ARGUMENT CORPUS_AMBIGUOUS.
  virtual absl::StatusOr<StoredCorpus> FindCorpus(absl::string_view reference) = 0;
  // By name.
  virtual absl::StatusOr<Page<StoredCorpus>> ListCorpora(int page_size,
                                                         absl::string_view token) = 0;
  // At most max_bytes of the corpus from `offset` on; "" at its end.
  virtual absl::StatusOr<std::string> ReadCorpus(absl::string_view digest, int64_t offset,
                                                 int64_t max_bytes) = 0;

  // ---- The whole ----

  // Jobs of all sweeps.
  virtual absl::StatusOr<JobCounts> CountJobs() = 0;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_STORE_H_
