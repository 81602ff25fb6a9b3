#include "server/store/schema.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

constexpr int kApplicationId = 0x4f6e6465;  // "Onde": tells our files from other programs'

// States are the numbers of the proto's enums. Jobs: 1 queued, 2 leased, 3 succeeded, 4 failed,
// 5 cancelled. Checkpoints: 1 unresolved, 2 resolved, 3 aliased, 4 failed, 5 cancelled. Sweeps:
// 1 running, 2 succeeded, 3 failed, 4 cancelled. Times: microseconds since 1970, 0 for none.
constexpr char kTables[] = R"sql(
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('epoch', 0);

CREATE TABLE corpora (
  digest TEXT PRIMARY KEY, sequences INTEGER NOT NULL, bytes INTEGER NOT NULL,
  tokenized INTEGER NOT NULL, create_time INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE corpus_names (
  name TEXT PRIMARY KEY, digest TEXT NOT NULL REFERENCES corpora) WITHOUT ROWID;
CREATE TABLE corpus_chunks (
  digest TEXT NOT NULL REFERENCES corpora, ordinal INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (digest, ordinal));
CREATE TABLE corpus_sequences (
  digest TEXT NOT NULL REFERENCES corpora, sequence INTEGER NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (digest, sequence)) WITHOUT ROWID;

CREATE TABLE sweeps (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  request_id TEXT NOT NULL UNIQUE, body_digest TEXT NOT NULL, state INTEGER NOT NULL,
  models TEXT NOT NULL, revisions TEXT NOT NULL,
  corpus_digest TEXT NOT NULL REFERENCES corpora, corpus_name TEXT NOT NULL,
  spec_json TEXT NOT NULL, spec_digest TEXT NOT NULL,
  sequences INTEGER NOT NULL, sequences_per_job INTEGER NOT NULL,
  create_time INTEGER NOT NULL, end_time INTEGER NOT NULL DEFAULT 0,
  cursor INTEGER NOT NULL DEFAULT 0,
  unresolved INTEGER NOT NULL DEFAULT 0, failed_checkpoints INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0,
  leased INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  CHECK (queued + leased + succeeded + failed + cancelled = total),
  CHECK (min(queued, leased, succeeded, failed, cancelled, unresolved, failed_checkpoints) >= 0));
CREATE INDEX sweeps_by_name ON sweeps (name, number);
CREATE INDEX sweeps_running ON sweeps (number) WHERE state = 1;
CREATE INDEX sweeps_by_spec ON sweeps (spec_digest) WHERE state <> 4;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL REFERENCES sweeps, position INTEGER NOT NULL,
  model TEXT NOT NULL, revision TEXT NOT NULL, state INTEGER NOT NULL,
  digest TEXT NOT NULL DEFAULT '', weights_digest TEXT NOT NULL DEFAULT '',
  commit_hash TEXT NOT NULL DEFAULT '', alias_of INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0, layers INTEGER NOT NULL DEFAULT 0,
  heads INTEGER NOT NULL DEFAULT 0, architecture TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, engine_deaths INTEGER NOT NULL DEFAULT 0,
  requeues INTEGER NOT NULL DEFAULT 0, ready_at INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  total INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0,
  leased INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sweep, position),
  CHECK (queued + leased + succeeded + failed + cancelled = total),
  CHECK (min(queued, leased, succeeded, failed, cancelled) >= 0));
CREATE INDEX checkpoints_by_digest ON checkpoints (digest, sweep);
CREATE INDEX checkpoints_with_work ON checkpoints (sweep, position) WHERE queued > 0;
CREATE INDEX checkpoints_unresolved ON checkpoints (sweep, position) WHERE state = 1;

CREATE TABLE checkpoint_files (
  checkpoint_digest TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL, PRIMARY KEY (checkpoint_digest, name)) WITHOUT ROWID;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, checkpoint INTEGER NOT NULL REFERENCES checkpoints,
  sweep INTEGER NOT NULL REFERENCES sweeps, key TEXT NOT NULL, first INTEGER NOT NULL,
  count INTEGER NOT NULL, state INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
  engine_deaths INTEGER NOT NULL DEFAULT 0, requeues INTEGER NOT NULL DEFAULT 0,
  ready_at INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  result INTEGER REFERENCES results,
  UNIQUE (checkpoint, first),
  CHECK ((state = 3) = (result IS NOT NULL)));
CREATE INDEX jobs_by_key ON jobs (key);
CREATE INDEX jobs_queued ON jobs (checkpoint, first) WHERE state = 1;
CREATE INDEX jobs_leased ON jobs (checkpoint, worker) WHERE state = 2;
CREATE INDEX jobs_failed ON jobs (sweep) WHERE state = 4;

-- Results are numbered as they come, and jobs and records name them by these numbers: keys are
-- digests, so that whatever is sorted by them is written all over the file. The one index by key is
-- the jobs', which is written when they are planned and not when they are committed.
CREATE TABLE results (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, checkpoint_digest TEXT NOT NULL, corpus_digest TEXT NOT NULL,
  spec_digest TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
  layers INTEGER NOT NULL, heads INTEGER NOT NULL, columns INTEGER NOT NULL,
  measured INTEGER NOT NULL, skipped INTEGER NOT NULL,
  record_bytes INTEGER NOT NULL, record_digest TEXT NOT NULL,
  architecture TEXT NOT NULL, engine_version TEXT NOT NULL, device TEXT NOT NULL,
  dtype TEXT NOT NULL, compute_seconds REAL NOT NULL, load_seconds REAL NOT NULL,
  commit_time INTEGER NOT NULL);
CREATE TABLE records (
  result INTEGER NOT NULL REFERENCES results, sequence INTEGER NOT NULL,
  tokens_digest TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (result, sequence));
CREATE TABLE skipped_sequences (
  result INTEGER NOT NULL REFERENCES results, sequence INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (result, sequence)) WITHOUT ROWID;

CREATE TABLE aggregates (
  checkpoint_digest TEXT NOT NULL, corpus_digest TEXT NOT NULL, spec_digest TEXT NOT NULL,
  sequences INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (checkpoint_digest, corpus_digest, spec_digest, sequences));
CREATE TABLE controls (
  spec_digest TEXT PRIMARY KEY, data BLOB NOT NULL, error TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE events (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT, sweep INTEGER NOT NULL REFERENCES sweeps,
  data BLOB NOT NULL);
CREATE INDEX events_by_sweep ON events (sweep, cursor);
)sql";

// Counts are kept by triggers, so that no statement can forget them; the CHECKs above refuse any
// that do not add up.
constexpr char kTriggers[] = R"sql(
CREATE TRIGGER results_once BEFORE INSERT ON results
WHEN EXISTS (SELECT 1 FROM jobs WHERE key = NEW.key AND state = 3) BEGIN
  SELECT RAISE(ABORT, 'this job has a result already');
END;
CREATE TRIGGER jobs_inserted AFTER INSERT ON jobs BEGIN
  UPDATE checkpoints SET total = total + 1, queued = queued + (NEW.state = 1),
    leased = leased + (NEW.state = 2), succeeded = succeeded + (NEW.state = 3),
    failed = failed + (NEW.state = 4), cancelled = cancelled + (NEW.state = 5)
    WHERE id = NEW.checkpoint;
  UPDATE sweeps SET total = total + 1, queued = queued + (NEW.state = 1),
    leased = leased + (NEW.state = 2), succeeded = succeeded + (NEW.state = 3),
    failed = failed + (NEW.state = 4), cancelled = cancelled + (NEW.state = 5)
    WHERE number = NEW.sweep;
END;
CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state BEGIN
  UPDATE checkpoints SET queued = queued + (NEW.state = 1) - (OLD.state = 1),
    leased = leased + (NEW.state = 2) - (OLD.state = 2),
    succeeded = succeeded + (NEW.state = 3) - (OLD.state = 3),
    failed = failed + (NEW.state = 4) - (OLD.state = 4),
    cancelled = cancelled + (NEW.state = 5) - (OLD.state = 5) WHERE id = NEW.checkpoint;
  UPDATE sweeps SET queued = queued + (NEW.state = 1) - (OLD.state = 1),
    leased = leased + (NEW.state = 2) - (OLD.state = 2),
    succeeded = succeeded + (NEW.state = 3) - (OLD.state = 3),
    failed = failed + (NEW.state = 4) - (OLD.state = 4),
    cancelled = cancelled + (NEW.state = 5) - (OLD.state = 5) WHERE number = NEW.sweep;
END;
-- When an alias of an earlier checkpoint is found, the jobs change owner (and not state).
CREATE TRIGGER jobs_given_away AFTER UPDATE OF checkpoint ON jobs BEGIN
  UPDATE checkpoints SET total = total - 1, queued = queued - (OLD.state = 1),
    leased = leased - (OLD.state = 2), succeeded = succeeded - (OLD.state = 3),
    failed = failed - (OLD.state = 4), cancelled = cancelled - (OLD.state = 5)
    WHERE id = OLD.checkpoint;
  UPDATE checkpoints SET total = total + 1, queued = queued + (OLD.state = 1),
    leased = leased + (OLD.state = 2), succeeded = succeeded + (OLD.state = 3),
    failed = failed + (OLD.state = 4), cancelled = cancelled + (OLD.state = 5)
    WHERE id = NEW.checkpoint;
END;
CREATE TRIGGER checkpoints_inserted AFTER INSERT ON checkpoints BEGIN
  UPDATE sweeps SET unresolved = unresolved + (NEW.state = 1),
    failed_checkpoints = failed_checkpoints + (NEW.state = 4) WHERE number = NEW.sweep;
END;
CREATE TRIGGER checkpoints_moved AFTER UPDATE OF state ON checkpoints
WHEN OLD.state <> NEW.state BEGIN
  UPDATE sweeps SET unresolved = unresolved + (NEW.state = 1) - (OLD.state = 1),
    failed_checkpoints = failed_checkpoints + (NEW.state = 4) - (OLD.state = 4)
    WHERE number = NEW.sweep;
END;
)sql";

absl::StatusOr<int64_t> ReadNumber(Connection& connection, const std::string& sql) {
  Statement query = connection.Query(sql);
  int64_t number = query.Step() ? query.Int(0) : 0;
  if (!query.status().ok()) return query.status();
  return number;
}

absl::Status Create(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::kWrite);
  if (!transaction.status().ok()) return transaction.status();
  absl::Status status =
      connection.Script(absl::StrCat(kTables, kTriggers, "PRAGMA application_id = ", kApplicationId,
                                     "; PRAGMA user_version = ", kSchemaVersion, ";"));
  return status.ok() ? transaction.Commit() : status;
}

}  // namespace

absl::Status PrepareSchema(Connection& connection) {
  auto tables = ReadNumber(connection, "SELECT COUNT(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  if (*tables == 0) return Create(connection);
  auto application = ReadNumber(connection, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application != kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN",
                     "the file of --store is another program's database",
                     "name another file, or one that is not there yet");
  }
  auto version = ReadNumber(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version != kSchemaVersion) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_VERSION",
                     absl::StrCat("the store has schema version ", *version,
                                  ", and this coordinator needs ", kSchemaVersion),
                     "run the coordinator that made it, or name another file");
  }
  return absl::OkStatus();
}

}  // namespace ondelette::server
