#include "server/store/row_sql.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

JobCounts ReadCounts(const Statement& row, int column) {
  JobCounts counts;
  for (int64_t* count : {&counts.total, &counts.queued, &counts.leased, &counts.succeeded,
                         &counts.failed, &counts.cancelled}) {
    *count = row.Int(column++);
  }
  return counts;
}

}  // namespace

const char kSelectSweep[] =
    "SELECT s.id, s.name, s.request_id, s.body_digest, s.models, s.revisions, s.corpus_digest, "
    "s.corpus_name, s.spec_json, s.spec_digest, s.sequences, s.sequences_per_job, s.state, "
    "s.create_time, s.end_time, s.cursor, "
    "s.total, s.queued, s.leased, s.succeeded, s.failed, s.cancelled FROM sweeps s ";

StoredSweep ReadSweep(const Statement& row) {
  StoredSweep sweep;
  sweep.id = row.Text(0);
  sweep.name = row.Text(1);
  sweep.request_id = row.Text(2);
  sweep.body_digest = row.Text(3);
  sweep.models = ListFromText(row.Text(4));
  sweep.revisions = ListFromText(row.Text(5));
  sweep.corpus_digest = row.Text(6);
  sweep.corpus_name = row.Text(7);
  sweep.spec_json = row.Text(8);
  sweep.spec_digest = row.Text(9);
  sweep.sequences = row.Int(10);
  sweep.sequences_per_job = row.Int(11);
  sweep.state = static_cast<v1::SweepState>(row.Int(12));
  sweep.create_time = row.Time(13);
  sweep.end_time = row.Time(14);
  sweep.cursor = static_cast<uint64_t>(row.Int(15));
  sweep.jobs = ReadCounts(row, 16);
  return sweep;
}

const char kSelectCheckpoint[] =
    "SELECT c.id, s.id, c.position, c.model, c.revision, c.state, c.digest, c.weights_digest, "
    "c.commit_hash, c.alias_of, c.skipped, c.layers, c.heads, c.architecture, c.attempts, c.error, "
    "c.total, c.queued, c.leased, c.succeeded, c.failed, c.cancelled "
    "FROM checkpoints c JOIN sweeps s ON s.number = c.sweep ";

StoredCheckpoint ReadCheckpoint(const Statement& row) {
  StoredCheckpoint checkpoint;
  checkpoint.id = row.Int(0);
  checkpoint.sweep_id = row.Text(1);
  checkpoint.position = row.Int(2);
  checkpoint.model = row.Text(3);
  checkpoint.revision = row.Text(4);
  checkpoint.state = static_cast<v1::CheckpointState>(row.Int(5));
  checkpoint.digest = row.Text(6);
  checkpoint.weights_digest = row.Text(7);
  checkpoint.commit = row.Text(8);
  checkpoint.alias_of = row.Int(9);
  checkpoint.skipped_sequences = row.Int(10);
  checkpoint.layers = static_cast<int32_t>(row.Int(11));
  checkpoint.heads = static_cast<int32_t>(row.Int(12));
  checkpoint.architecture = row.Text(13);
  checkpoint.attempts = static_cast<int32_t>(row.Int(14));
  checkpoint.error = ErrorFromText(row.Text(15));
  checkpoint.jobs = ReadCounts(row, 16);
  return checkpoint;
}

const char kSelectJob[] =
    "SELECT j.id, j.key, c.model, c.revision, j.state, j.first, j.count, j.attempts, "
    "j.engine_deaths, j.requeues, j.epoch, j.worker, j.error "
    "FROM jobs j JOIN checkpoints c ON c.id = j.checkpoint ";

StoredJob ReadJob(const Statement& row) {
  StoredJob job;
  job.id = row.Int(0);
  job.key = row.Text(1);
  job.model = row.Text(2);
  job.revision = row.Text(3);
  job.state = static_cast<v1::JobState>(row.Int(4));
  job.first_sequence = row.Int(5);
  job.sequences = row.Int(6);
  job.attempts = static_cast<int32_t>(row.Int(7));
  job.engine_deaths = static_cast<int32_t>(row.Int(8));
  job.requeues = static_cast<int32_t>(row.Int(9));
  job.epoch = static_cast<uint64_t>(row.Int(10));
  job.worker = row.Text(11);
  job.error = ErrorFromText(row.Text(12));
  return job;
}

const char kSelectLease[] =
    "SELECT j.key, j.epoch, j.worker, c.id, c.model, c.revision, c.digest, s.corpus_digest, "
    "s.spec_json, s.spec_digest, j.first, j.count FROM jobs j "
    "JOIN checkpoints c ON c.id = j.checkpoint JOIN sweeps s ON s.number = j.sweep ";

GrantedLease ReadLease(const Statement& row) {
  GrantedLease lease;
  lease.key = {row.Text(0), static_cast<uint64_t>(row.Int(1))};
  lease.worker = row.Text(2);
  lease.checkpoint_id = row.Int(3);
  lease.model = row.Text(4);
  lease.revision = row.Text(5);
  lease.checkpoint_digest = row.Text(6);
  lease.corpus_digest = row.Text(7);
  lease.spec_json = row.Text(8);
  lease.spec_digest = row.Text(9);
  lease.first_sequence = row.Int(10);
  lease.sequences = row.Int(11);
  return lease;
}

namespace {

template <typename Row>
absl::StatusOr<Row> LoadOne(Statement query, Row (*read)(const Statement&), const char* what) {
  if (query.Step()) return read(query);
  if (!query.status().ok()) return query.status();
  return absl::NotFoundError(absl::StrCat("the store has no such ", what));
}

}  // namespace

absl::StatusOr<StoredSweep> LoadSweep(Connection& db, int64_t number) {
  return LoadOne(db.Query(absl::StrCat(kSelectSweep, "WHERE s.number = ?"), number), ReadSweep,
                 "sweep");
}

absl::StatusOr<StoredCheckpoint> LoadCheckpoint(Connection& db, int64_t id) {
  return LoadOne(db.Query(absl::StrCat(kSelectCheckpoint, "WHERE c.id = ?"), id), ReadCheckpoint,
                 "checkpoint");
}

absl::StatusOr<StoredJob> LoadJob(Connection& db, int64_t id) {
  return LoadOne(db.Query(absl::StrCat(kSelectJob, "WHERE j.id = ?"), id), ReadJob, "job");
}

absl::StatusOr<int64_t> SweepNumber(Connection& db, absl::string_view id) {
  Statement query = db.Query("SELECT number FROM sweeps WHERE id = ?", id);
  if (query.Step()) return query.Int(0);
  if (!query.status().ok()) return query.status();
  return MakeError(absl::StatusCode::kNotFound, "SWEEP_UNKNOWN",
                   absl::StrCat("there is no sweep ", id), "see `ondelette list`");
}

std::string ErrorToText(const v1::Error& error) {
  if (error.code() == 0) return "";
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(error, &text);
  return text;
}

v1::Error ErrorFromText(const std::string& text) {
  v1::Error error;
  if (!text.empty()) (void)google::protobuf::util::JsonStringToMessage(text, &error);
  return error;
}

std::string ListToText(const std::vector<std::string>& list) {
  return nlohmann::json(list).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> ListFromText(const std::string& text) {
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> items;
  if (!list.is_array()) return items;
  for (const nlohmann::json& item : list) {
    if (item.is_string()) items.push_back(item.get<std::string>());
  }
  return items;
}

}  // namespace ondelette::server
