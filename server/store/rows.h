// What the store keeps, as plain values: copy them freely. Times are wall-clock times of the
// coordinator; they are for people and for back-off, never for leases.
#ifndef ONDELETTE_SERVER_STORE_ROWS_H_
#define ONDELETTE_SERVER_STORE_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ondelette/v1/errors.pb.h"
#include "ondelette/v1/sweep.pb.h"

namespace ondelette::server {

// queued + leased + succeeded + failed + cancelled = total, at every instant.
struct JobCounts {
  int64_t total = 0;
  int64_t queued = 0;
  int64_t leased = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
};

struct StoredCorpus {
  std::string digest;  // SHA-256 of the bytes
  std::string name;
  int64_t sequences = 0;
  int64_t bytes = 0;
  bool tokenized = false;  // every line holds tokens
  absl::Time create_time;
};

// A sweep as it is created: valid already, duplicates removed.
struct NewSweep {
  std::string id;
  std::string name;
  std::string request_id;
  std::string body_digest;  // of everything else in the request: tells a retry from a clash
  std::vector<std::string> models;
  std::vector<std::string> revisions;
  std::string corpus_digest;
  std::string corpus_name;
  std::string spec_json;
  std::string spec_digest;
  int64_t sequences = 0;          // the first so many of the corpus; never 0
  int64_t sequences_per_job = 0;  // 0: as plan/job_plan.h makes it of each checkpoint
};

struct StoredSweep : NewSweep {
  v1::SweepState state = v1::SWEEP_STATE_RUNNING;
  JobCounts jobs;
  absl::Time create_time;
  absl::Time end_time = absl::InfiniteFuture();  // while it runs
  uint64_t cursor = 0;                           // of its last event
};

// A checkpoint of a sweep. Listing order: models as the request lists them, and for each the
// revisions.
struct StoredCheckpoint {
  int64_t id = 0;  // of this checkpoint in this sweep
  std::string sweep_id;
  int64_t position = 0;  // in listing order
  std::string model;
  std::string revision;
  v1::CheckpointState state = v1::CHECKPOINT_STATE_UNRESOLVED;
  std::string digest;          // of everything that determines numbers; empty until resolved
  std::string weights_digest;  // of the weight files alone
  std::string commit;
  int64_t alias_of = 0;  // the id of the checkpoint that is computed; 0 unless ALIASED
  JobCounts jobs;        // its own: all zero where it is an alias
  int64_t skipped_sequences = 0;
  // From its results: 0 and "" until the first job succeeded.
  int32_t layers = 0;
  int32_t heads = 0;
  std::string architecture;
  int32_t attempts = 0;  // to resolve it
  v1::Error error;       // the last; code 0 for none
};

struct StoredJob {
  int64_t id = 0;
  std::string key;
  std::string model;
  std::string revision;
  v1::JobState state = v1::JOB_STATE_QUEUED;
  int64_t first_sequence = 0;
  int64_t sequences = 0;
  int32_t attempts = 0;
  int32_t engine_deaths = 0;
  int32_t requeues = 0;  // leases lost and infrastructure errors
  uint64_t epoch = 0;
  std::string worker;  // the last it was leased to
  v1::Error error;     // the last; code 0 for none
};

// A worker's right to a job. Epochs come from one counter of the store, so that a pair is never
// granted twice.
struct LeaseKey {
  std::string job;  // its key
  uint64_t epoch = 0;

  friend bool operator==(const LeaseKey&, const LeaseKey&) = default;
  friend auto operator<=>(const LeaseKey&, const LeaseKey&) = default;
};

// A lease with all that the worker and the check of its results need.
struct GrantedLease {
  LeaseKey key;
  std::string worker;
  int64_t checkpoint_id = 0;
  std::string model;
  std::string revision;
  std::string checkpoint_digest;
  std::string corpus_digest;
  std::string spec_json;
  std::string spec_digest;
  int64_t first_sequence = 0;
  int64_t sequences = 0;
  std::string next_model;  // what this worker will probably get next; may be empty
  std::string next_revision;
};

// What a worker asks for: at most so many leases, and which checkpoints it holds (the loaded one
// first), which decides what it gets.
struct LeaseRequest {
  std::string worker;
  std::vector<std::string> held_checkpoints;  // digests
  int most = 0;
};

struct ResolvedFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

// What a worker found a checkpoint to be.
struct Resolution {
  std::string digest;
  std::string weights_digest;
  std::string commit;
  std::vector<ResolvedFile> files;
};

struct MeasuredSequence {
  int64_t sequence = 0;  // its index in the corpus
  std::string tokens_digest;
};

struct SkippedSequence {
  int64_t sequence = 0;
  std::string reason;
};

// What a job's success commits. `records` is float32, little-endian,
// [measured, layers, heads, columns].
struct JobResult {
  int32_t layers = 0;
  int32_t heads = 0;
  int32_t columns = 0;
  std::vector<MeasuredSequence> measured;  // ascending
  std::vector<SkippedSequence> skipped;
  std::string records;
  std::string record_digest;
  std::string architecture;
  std::string engine_version;
  std::string device;
  std::string dtype;
  double compute_seconds = 0;
  double load_seconds = 0;
};

// A job's success, to be committed under its lease.
struct JobCommit {
  LeaseKey lease;
  JobResult result;
};

// The stored records of one measured sequence: float32, little-endian, [layers, heads, columns],
// columns as Columns(spec) lists them, NaN where undefined.
struct SequenceRecords {
  int64_t sequence = 0;
  std::string sequence_id;  // as the corpus names it
  std::string tokens_digest;
  int32_t layers = 0;
  int32_t heads = 0;
  int32_t columns = 0;
  std::string data;
};

// Where the results of a job came from.
struct JobProvenance {
  std::string job;  // its key
  int64_t first_sequence = 0;
  int64_t sequences = 0;
  int64_t measured = 0;
  int64_t skipped = 0;
  std::string record_digest;
  std::string engine_version;
  std::string device;
  std::string dtype;
  double compute_seconds = 0;
  double load_seconds = 0;
  absl::Time commit_time;
};

// What determines the aggregates of a checkpoint all of whose jobs succeeded, in any sweep.
struct AggregateKey {
  std::string checkpoint_digest;
  std::string corpus_digest;
  std::string spec_digest;
  int64_t sequences = 0;  // the first so many of the corpus
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_ROWS_H_
