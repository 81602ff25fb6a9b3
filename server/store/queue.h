// The queue's state machine in SQL: every statement that changes the state of a sweep, a checkpoint
// or a job is in queue_sweeps.cc, queue_grants.cc, queue_commits.cc or queue_jobs.cc, and docs/queue.md
// draws them.
//
// Each function is a part of a transaction that its caller begins and commits.
#ifndef ONDELETTE_SERVER_STORE_QUEUE_H_
#define ONDELETTE_SERVER_STORE_QUEUE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/plan/lease_choice.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace ondelette::server {

// A write transaction under way, and what it will have changed.
struct Write {
  Connection& db;
  absl::Time now;
  StoreNotice notice;
  std::map<int64_t, int64_t> cursors = {};  // by number of a sweep: its last event
  std::function<void()> committed = {};     // called once it is on the disk, while others wait
};

// ---- queue_sweeps.cc: sweeps and checkpoints ----

// The number of the new sweep, or of the one that its request id made before.
absl::StatusOr<int64_t> InsertSweep(Write& write, const NewSweep& sweep);
absl::Status ResolveCheckpoint(Write& write, int64_t checkpoint, const Resolution& resolution);
absl::Status FailCheckpoint(Write& write, int64_t checkpoint, const v1::Error& error);
absl::StatusOr<std::vector<GrantedLease>> CancelSweep(Write& write, int64_t sweep);
absl::StatusOr<RetryOutcome> RetryFailed(Write& write, int64_t sweep);

// ---- queue_grants.cc: who gets what ----

// Keeps the memory up with the grants, as does CommitJobs with the leases that end. Where the
// transaction is not committed, or another changes leases, the memory is of no use any more.
absl::StatusOr<std::vector<std::vector<GrantedLease>>> GrantLeases(
    Write& write, absl::Span<const LeaseRequest> requests, LeaseMemory& memory);

// ---- queue_commits.cc: how leases end well ----

// As though one after another; an error of one is an error of all. Outcomes are as many as jobs.
absl::StatusOr<std::vector<CommitOutcome>> CommitJobs(Write& write,
                                                      absl::Span<const JobCommit> jobs,
                                                      LeaseMemory& memory);

// ---- queue_jobs.cc: how else they end ----

// The reasons of CommitOutcome.
absl::StatusOr<std::string> WhyLost(Connection& db, const LeaseKey& lease);
absl::StatusOr<bool> FailJob(Write& write, const LeaseKey& lease, const v1::Error& error);
absl::Status ReturnLease(Write& write, const LeaseKey& lease);

// Queued jobs of the checkpoint whose results the store has succeed; those that another sweep has
// leased join the lease.
absl::Status JoinKnownJobs(Write& write, int64_t checkpoint);

// ---- queue_events.cc: events, and the ends of things ----

// Appends an event to the sweep: its state and counts as they are now, and what happened.
absl::Status AddEvent(Write& write, int64_t sweep, v1::SweepEvent event);
absl::Status AddCheckpointEvent(Write& write, int64_t sweep, int64_t checkpoint);
absl::Status AddJobEvent(Write& write, int64_t sweep, int64_t job);

// Puts the cursors into their sweeps: last in every transaction.
absl::Status PutCursors(Write& write);

// Ends a running sweep of which nothing is left to do.
absl::Status EndSweepIfDone(Write& write, int64_t sweep);
// Notes the checkpoint where all its jobs have succeeded.
absl::Status NoteIfComplete(Write& write, int64_t checkpoint);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_QUEUE_H_
