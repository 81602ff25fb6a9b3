#include "server/store/result_sql.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "server/store/row_sql.h"

namespace ondelette::server {

absl::StatusOr<std::vector<SequenceRecords>> RecordsFrom(Connection& db, int64_t checkpoint,
                                                         int64_t first_sequence,
                                                         int64_t max_bytes) {
  // Jobs are ranges in order, so the first that reaches beyond first_sequence starts the scan.
  Statement query = db.Query(
      "SELECT r.sequence, n.id, r.tokens_digest, t.layers, t.heads, t.columns, r.data "
      "FROM jobs j JOIN results t ON t.id = j.result JOIN records r ON r.result = t.id "
      "LEFT JOIN corpus_sequences n ON n.digest = t.corpus_digest AND n.sequence = r.sequence "
      "WHERE j.checkpoint = ?1 AND j.first + j.count > ?2 AND r.sequence >= ?2 "
      "ORDER BY j.first, r.sequence",
      checkpoint, first_sequence);
  std::vector<SequenceRecords> page;
  int64_t bytes = 0;
  while (query.Step()) {
    SequenceRecords records{query.Int(0),
                            query.Text(1),
                            query.Text(2),
                            static_cast<int32_t>(query.Int(3)),
                            static_cast<int32_t>(query.Int(4)),
                            static_cast<int32_t>(query.Int(5)),
                            query.Text(6)};
    bytes += static_cast<int64_t>(records.data.size());
    if (!page.empty() && bytes > max_bytes) break;
    page.push_back(std::move(records));
  }
  if (!query.status().ok()) return query.status();
  return page;
}

absl::StatusOr<std::vector<JobProvenance>> ProvenanceOf(Connection& db, int64_t checkpoint) {
  Statement query = db.Query(
      "SELECT r.key, r.first, r.count, r.measured, r.skipped, r.record_digest, r.engine_version, "
      "r.device, r.dtype, r.compute_seconds, r.load_seconds, r.commit_time "
      "FROM jobs j JOIN results r ON r.id = j.result WHERE j.checkpoint = ? "
      "ORDER BY j.first",
      checkpoint);
  std::vector<JobProvenance> jobs;
  while (query.Step()) {
    jobs.push_back({query.Text(0), query.Int(1), query.Int(2), query.Int(3), query.Int(4),
                    query.Text(5), query.Text(6), query.Text(7), query.Text(8), query.Real(9),
                    query.Real(10), query.Time(11)});
  }
  if (!query.status().ok()) return query.status();
  return jobs;
}

absl::Status StoreAggregates(Connection& db, const AggregateKey& key, absl::string_view blob) {
  return db.Run("INSERT OR REPLACE INTO aggregates VALUES (?, ?, ?, ?, ?)", key.checkpoint_digest,
                key.corpus_digest, key.spec_digest, key.sequences, Statement::Blob{blob});
}

absl::StatusOr<std::optional<std::string>> AggregatesOf(Connection& db, const AggregateKey& key) {
  Statement query = db.Query(
      "SELECT data FROM aggregates WHERE checkpoint_digest = ? AND corpus_digest = ? "
      "AND spec_digest = ? AND sequences = ?",
      key.checkpoint_digest, key.corpus_digest, key.spec_digest, key.sequences);
  std::optional<std::string> blob;
  if (query.Step()) blob = query.Text(0);
  if (!query.status().ok()) return query.status();
  return blob;
}

absl::StatusOr<std::map<std::string, std::string>> PendingControls(Connection& db) {
  Statement query = db.Query(
      "SELECT spec_digest, spec_json FROM sweeps WHERE state <> 4 "
      "AND spec_digest NOT IN (SELECT spec_digest FROM controls)");
  std::map<std::string, std::string> specs;
  while (query.Step()) specs[query.Text(0)] = query.Text(1);
  if (!query.status().ok()) return query.status();
  return specs;
}

absl::Status StoreControls(Connection& db, absl::string_view spec_digest, absl::string_view data,
                           const v1::Error& error) {
  return db.Run("INSERT OR REPLACE INTO controls VALUES (?, ?, ?)", spec_digest,
                Statement::Blob{data}, ErrorToText(error));
}

absl::StatusOr<v1::Controls> ControlsOf(Connection& db, absl::string_view spec_digest) {
  Statement query = db.Query("SELECT data, error FROM controls WHERE spec_digest = ?", spec_digest);
  if (!query.Step()) {
    if (!query.status().ok()) return query.status();
    return MakeError(
        absl::StatusCode::kNotFound, "CONTROLS_PENDING",
        absl::StrCat("the controls of spec ", spec_digest.substr(0, 12), " are not computed yet"),
        "a worker computes them beside the sweep: ask again later");
  }
  if (const std::string error = query.Text(1); !error.empty())
    return FromErrorProto(ErrorFromText(error));
  v1::Controls controls;
  if (!controls.ParseFromString(query.Text(0))) {
    return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                     "the controls in the store cannot be read",
                     "restore the file of --store from a copy");
  }
  return controls;
}

}  // namespace ondelette::server
