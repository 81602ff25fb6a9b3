#include "synthetic_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/spec/columns.h"
#include "server/store/sqlite_store.h"

namespace ondelette::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

template <typename T>
T Must(absl::StatusOr<T> value) {
  EXPECT_TRUE(value.ok()) << value.status();
  if (!value.ok()) std::abort();
  return *std::move(value);
}

void Must(const absl::Status& status) {
  EXPECT_TRUE(status.ok()) << status;
  if (!status.ok()) std::abort();
}

JobResult ResultOf(const GrantedLease& lease, const SyntheticSweep& sweep,
                   const std::vector<Column>& columns) {
  JobResult result;
  result.layers = sweep.layers;
  result.heads = sweep.heads;
  result.columns = static_cast<int32_t>(columns.size());
  for (int64_t s = lease.first_sequence; s < lease.first_sequence + lease.sequences; ++s) {
    if (s == sweep.skipped_sequence) {
      result.skipped.push_back({s, "too short"});
      continue;
    }
    result.measured.push_back({s, absl::StrCat("tokens", s)});
    for (int layer = 0; layer < sweep.layers; ++layer) {
      for (int head = 0; head < sweep.heads; ++head) {
        for (const Column& column : columns) {
          const float value = sweep.figure(s, layer, head, column.Label());
          result.records.append(reinterpret_cast<const char*>(&value), sizeof(value));
        }
      }
    }
  }
  result.engine_version = "test";
  result.device = "cpu";
  result.dtype = "float32";
  return result;
}

}  // namespace

float SomeFigure(int64_t sequence, int layer, int head, const std::string& label) {
  if (label == kNonFiniteRows) return 0;
  std::seed_seq seed{static_cast<unsigned>(sequence), static_cast<unsigned>(layer),
                     static_cast<unsigned>(head),
                     static_cast<unsigned>(std::hash<std::string>()(label))};
  std::mt19937 random(seed);
  if (random() % 10 == 0) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(random() % 100000) / 7919.0F + 0.001F;
}

SyntheticStore::SyntheticStore() {
  std::string name = testing::TempDir() + "/resultsXXXXXX";
  folder_ = mkdtemp(name.data());
  store_ = Must(OpenSqliteStore({folder_ + "/store.sqlite"}));
}

SyntheticStore::~SyntheticStore() {
  store_.reset();
  std::filesystem::remove_all(folder_);
}

StoredSweep SyntheticStore::Add(const SyntheticSweep& sweep) {
  const std::string bytes = absl::StrCat("corpus of ", sweep.sequences);
  std::vector<std::string> ids;
  for (int64_t i = 0; i < sweep.sequences; ++i) ids.push_back(absl::StrCat("passage-", i));
  const StoredCorpus corpus = Must(store_->PutCorpus(
      {Sha256Of(bytes), "corpus", sweep.sequences, static_cast<int64_t>(bytes.size()), true, kNow},
      bytes, ids));
  NewSweep sweep_row;
  sweep_row.id = Sha256Of(sweep.name).substr(0, 16);
  sweep_row.name = sweep.name;
  sweep_row.request_id = "request of " + sweep.name;
  sweep_row.body_digest = "body";
  sweep_row.models = sweep.models;
  sweep_row.revisions = sweep.revisions;
  sweep_row.corpus_digest = corpus.digest;
  sweep_row.corpus_name = corpus.name;
  const Spec spec = Must(ParseSpec(sweep.spec_json));
  sweep_row.spec_json = SpecToJson(spec);
  sweep_row.spec_digest = SpecDigest(spec);
  sweep_row.sequences = sweep.sequences;
  sweep_row.sequences_per_job = sweep.sequences_per_job;
  const StoredSweep stored = Must(store_->CreateSweep(sweep_row, kNow));
  Resolve(stored, sweep);
  CommitJobs(sweep);
  return Must(store_->FindSweep(stored.id));
}

void SyntheticStore::Resolve(const StoredSweep& stored, const SyntheticSweep& sweep) {
  const std::vector<StoredCheckpoint> checkpoints = Checkpoints(stored);
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    const std::string& digest = sweep.digests[i];
    if (digest == "!") {
      v1::Error error;
      error.set_code(9);
      error.set_message("no such file");
      error.set_error_class(v1::ERROR_CLASS_DETERMINISTIC);
      Must(store_->FailCheckpoint(checkpoints[i].id, error, kNow));
    } else if (!digest.empty()) {
      Must(store_->ResolveCheckpoint(checkpoints[i].id, {digest, digest, "", {}}, kNow));
    }
  }
}

void SyntheticStore::CommitJobs(const SyntheticSweep& sweep) {
  const std::vector<Column> columns = Columns(Must(ParseSpec(sweep.spec_json)));
  std::vector<GrantedLease> leases;
  for (auto more = Must(store_->GrantLeases("worker", {}, 64, kNow)); !more.empty();
       more = Must(store_->GrantLeases("worker", {}, 64, kNow))) {
    leases.insert(leases.end(), more.begin(), more.end());
  }
  std::shuffle(leases.begin(), leases.end(), std::mt19937(sweep.order));
  for (const GrantedLease& lease : leases) {
    if (!sweep.succeeds(lease.checkpoint_digest, lease.first_sequence)) {
      Must(store_->ReturnLeases({lease.key}, kNow));
      continue;
    }
    const CommitOutcome outcome =
        Must(store_->CommitJob(lease.key, ResultOf(lease, sweep, columns), kNow));
    EXPECT_TRUE(outcome.committed) << outcome.reason;
  }
}

std::vector<StoredCheckpoint> SyntheticStore::Checkpoints(const StoredSweep& sweep) {
  return Must(store_->Checkpoints(sweep.id));
}

}  // namespace ondelette::server
