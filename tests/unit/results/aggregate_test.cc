// Aggregation over a real store: against NumPy and SciPy, and that it depends on nothing but the
// records.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "server/aggregate/aggregate_checkpoint.h"
#include "server/aggregate/aggregate_reader.h"
#include "server/aggregate/rho_columns.h"
#include "synthetic_store.h"

namespace ondelette::server {
namespace {

using Json = nlohmann::json;

AggregateReader ReaderOf(SyntheticStore& store, const StoredSweep& sweep, size_t checkpoint = 0) {
  static PartialAggregates* partials = new PartialAggregates;
  return {store.store(), *partials, sweep, *ParseSpec(sweep.spec_json),
          store.Checkpoints(sweep)[checkpoint]};
}

// Every blob of the checkpoint's aggregates: the summary, then the layers.
std::vector<std::string> Blobs(SyntheticStore& store, const StoredSweep& sweep,
                               size_t checkpoint = 0) {
  const StoredCheckpoint row = store.Checkpoints(sweep)[checkpoint];
  const AggregateKey key{row.digest, sweep.corpus_digest, sweep.spec_digest, sweep.sequences};
  std::vector<std::string> blobs;
  for (int layer = -1; layer < row.layers; ++layer) {
    auto blob = store.store().GetAggregates(layer < 0 ? key : LayerKey(key, layer));
    EXPECT_TRUE(blob.ok()) << blob.status();
    if (blob->has_value()) blobs.push_back(**blob);
  }
  return blobs;
}

SyntheticSweep OneCheckpoint() {
  SyntheticSweep sweep;
  sweep.revisions = {"main"};
  sweep.digests = {"d0"};
  return sweep;
}

void ExpectFigure(const Json& expected, double actual, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isnan(actual)) << what << " is " << actual;
  } else {
    EXPECT_NEAR(actual, expected.get<double>(), 1e-12) << what;
  }
}

void ExpectStatistics(const Json& expected, const Statistics& s, const std::string& what) {
  EXPECT_EQ(s.count, expected["count"]) << what;
  EXPECT_EQ(s.undefined, expected["undefined"]) << what;
  ExpectFigure(expected["mean"], s.mean, what + " mean");
  ExpectFigure(expected["standard_deviation"], s.standard_deviation, what + " sd");
  ExpectFigure(expected["minimum"], s.minimum, what + " minimum");
  ExpectFigure(expected["first_quartile"], s.first_quartile, what + " first quartile");
  ExpectFigure(expected["median"], s.median, what + " median");
  ExpectFigure(expected["third_quartile"], s.third_quartile, what + " third quartile");
  ExpectFigure(expected["maximum"], s.maximum, what + " maximum");
}

size_t ColumnIndex(const std::string& label) {
  const std::vector<Column> columns = Columns(*PresetSpec("paper-table5"));
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].Label() == label) return i;
  }
  ADD_FAILURE() << label;
  return 0;
}

class Goldens : public testing::Test {
 protected:
  Goldens() {
    std::ifstream file(ONDELETTE_SOURCE_DIR "/tests/unit/results/goldens.json");
    golden_ = Json::parse(file)["aggregate"];
    SyntheticSweep sweep = OneCheckpoint();
    sweep.sequences = 7;
    sweep.layers = 3;
    sweep.heads = 5;
    sweep.figure = [this](int64_t sequence, int layer, int head, const std::string& label) {
      if (!golden_["records"].contains(label)) return 0.0F;
      const Json& value = golden_["records"][label][sequence][layer][head];
      return value.is_null() ? std::nanf("") : value.get<float>();
    };
    sweep_ = store_.Add(sweep);
  }

  Json golden_;
  SyntheticStore store_;
  StoredSweep sweep_;
};

TEST_F(Goldens, HeadsLayersAndModelAreNumPys) {
  AggregateReader reader = ReaderOf(store_, sweep_);
  auto summary = reader.ReadSummary();
  ASSERT_TRUE(summary.ok()) << summary.status();
  for (const auto& [label, layers] : golden_["heads"].items()) {
    const size_t column = ColumnIndex(label);
    const auto columns = static_cast<size_t>(summary->columns);
    for (size_t layer = 0; layer < 3; ++layer) {
      auto heads = reader.ReadLayer(static_cast<int>(layer));
      ASSERT_TRUE(heads.ok()) << heads.status();
      for (size_t head = 0; head < 5; ++head)
        ExpectStatistics(layers[layer][head], (*heads)[head * columns + column], label);
      ExpectStatistics(golden_["layers"][label][layer], summary->layer[layer * columns + column],
                       label);
    }
    ExpectStatistics(golden_["model"][label], summary->model[column], label);
  }
}

TEST_F(Goldens, CorrelationsAreSciPys) {
  auto summary = ReaderOf(store_, sweep_).ReadSummary();
  ASSERT_TRUE(summary.ok()) << summary.status();
  size_t index = 0;
  for (const char* sink : {"kept", "dropped"}) {
    for (const Json& expected : golden_["correlations"][sink]) {
      const Correlation& actual = summary->correlations[index++];
      ExpectFigure(expected["rho"], actual.rho, "rho");
      ExpectFigure(expected["rho_key_shuffled"], actual.rho_key_shuffled, "shuffled");
      ExpectFigure(expected["interval_low"], actual.interval_low, "low");
      ExpectFigure(expected["interval_high"], actual.interval_high, "high");
      ExpectFigure(expected["rho_sequences"], actual.rho_sequences, "rho_sequences");
    }
  }
  EXPECT_EQ(index, summary->correlations.size());
}

TEST(AggregateCheckpoint, GivesTheSameBytesInWhateverOrderJobsCommit) {
  std::vector<std::vector<std::string>> all;
  for (unsigned order : {1U, 2U, 3U}) {
    for (int64_t per_job : {1, 4}) {
      SyntheticStore store;
      SyntheticSweep sweep = OneCheckpoint();
      sweep.order = order;
      sweep.sequences_per_job = per_job;
      const StoredSweep stored = store.Add(sweep);
      ASSERT_TRUE(AggregateCheckpoint(store.store(), store.Checkpoints(stored)[0].id).ok());
      all.push_back(Blobs(store, stored));
    }
  }
  ASSERT_EQ(all[0].size(), 4U);
  for (const auto& blobs : all) EXPECT_EQ(blobs, all[0]);
}

TEST(AggregateCheckpoint, KeepsWhatIsThere) {
  SyntheticStore store;
  const StoredSweep stored = store.Add(OneCheckpoint());
  const int64_t id = store.Checkpoints(stored)[0].id;
  ASSERT_TRUE(Blobs(store, stored).empty());
  ASSERT_TRUE(AggregateCheckpoint(store.store(), id).ok());
  const auto blobs = Blobs(store, stored);
  ASSERT_TRUE(AggregateCheckpoint(store.store(), id).ok());
  EXPECT_EQ(Blobs(store, stored), blobs);
}

TEST(AggregateCheckpoint, FollowsAnAlias) {
  SyntheticStore store;
  const StoredSweep stored = store.Add({});
  ASSERT_TRUE(AggregateCheckpoint(store.store(), store.Checkpoints(stored)[1].id).ok());
  EXPECT_EQ(Blobs(store, stored, 0).size(), 4U);
}

TEST(AggregateCheckpoint, RefusesAnIncompleteCheckpoint) {
  SyntheticStore store;
  SyntheticSweep sweep = OneCheckpoint();
  sweep.succeeds = [](const std::string&, int64_t first) { return first > 0; };
  const StoredSweep stored = store.Add(sweep);
  const absl::Status status = AggregateCheckpoint(store.store(), store.Checkpoints(stored)[0].id);
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  EXPECT_TRUE(ReaderOf(store, stored).ReadSummary().ok());
  EXPECT_TRUE(Blobs(store, stored).empty()) << "an incomplete checkpoint's aggregates were kept";
}

TEST(AggregateReader, ReplacesBlobsItCannotRead) {
  SyntheticStore store;
  const StoredSweep stored = store.Add(OneCheckpoint());
  const StoredCheckpoint row = store.Checkpoints(stored)[0];
  ASSERT_TRUE(AggregateCheckpoint(store.store(), row.id).ok());
  const auto blobs = Blobs(store, stored);
  const AggregateKey key{row.digest, stored.corpus_digest, stored.spec_digest, stored.sequences};
  std::string other_version = blobs[0];
  other_version[4] = 9;
  for (const std::string& damage : {std::string(), blobs[0].substr(0, 40), other_version}) {
    ASSERT_TRUE(store.store().PutAggregates(key, damage).ok());
    ASSERT_TRUE(ReaderOf(store, stored).ReadSummary().ok());
    EXPECT_EQ(Blobs(store, stored), blobs);
    ASSERT_TRUE(store.store().PutAggregates(LayerKey(key, 1), damage).ok());
    ASSERT_TRUE(ReaderOf(store, stored).ReadLayer(1).ok());
    EXPECT_EQ(Blobs(store, stored), blobs);
  }
}

TEST(PartialAggregates, AreKeptUntilAnotherJobSucceeds) {
  SyntheticStore store;
  SyntheticSweep sweep = OneCheckpoint();
  sweep.succeeds = [](const std::string&, int64_t first) { return first == 0; };
  const StoredSweep stored = store.Add(sweep);
  const Spec spec = *ParseSpec(stored.spec_json);
  PartialAggregates partials;
  const StoredCheckpoint before = store.Checkpoints(stored)[0];
  auto first = partials.Of(store.store(), before, spec);
  ASSERT_TRUE(first.ok()) << first.status();
  auto again = partials.Of(store.store(), before, spec);
  EXPECT_EQ(again->get(), first->get()) << "not computed again";
  // A checkpoint whose count has grown, as the store tells of it after a commit.
  StoredCheckpoint after = before;
  ++after.jobs.succeeded;
  auto newer = partials.Of(store.store(), after, spec);
  ASSERT_TRUE(newer.ok()) << newer.status();
  EXPECT_NE(newer->get(), first->get());
}

TEST(HeadFigures, DoNotDependOnHowMuchIsHeld) {
  SyntheticStore store;
  const StoredSweep stored = store.Add(OneCheckpoint());
  const Spec spec = *ParseSpec(stored.spec_json);
  const StoredCheckpoint row = store.Checkpoints(stored)[0];
  const AggregateShape shape{row.layers, row.heads, static_cast<int>(Columns(spec).size()), 2};
  auto once = ComputeHeadFigures(store.store(), row, spec);
  ASSERT_TRUE(once.ok()) << once.status();
  for (int64_t held : {1, 4000, 10000}) {
    auto pieces = ComputeHeadFigures(store.store(), row, spec, held);
    ASSERT_TRUE(pieces.ok()) << pieces.status();
    for (int layer = 0; layer < 3; ++layer)
      EXPECT_EQ(EncodeLayer(*pieces, layer, shape), EncodeLayer(*once, layer, shape));
    EXPECT_EQ(EncodeSummary(Summarise(*pieces, spec), shape),
              EncodeSummary(Summarise(*once, spec), shape));
  }
}

TEST(HeadFigures, LeaveOutRecordsWithNonFiniteRows) {
  SyntheticStore store;
  SyntheticSweep sweep = OneCheckpoint();
  sweep.figure = [](int64_t sequence, int, int head, const std::string& label) {
    const bool broken = sequence == 4 && head == 1;
    if (label == kNonFiniteRows) return broken ? 3.0F : 0.0F;
    return broken ? 1000.0F : 1.0F;  // a figure that must not be believed
  };
  const StoredSweep stored = store.Add(sweep);
  auto layer = ReaderOf(store, stored).ReadLayer(0);
  ASSERT_TRUE(layer.ok()) << layer.status();
  const size_t columns = Columns(*ParseSpec(stored.spec_json)).size();
  const Statistics& broken = (*layer)[columns + ColumnIndex("sink_mass")];
  EXPECT_EQ(broken.count, 9);
  EXPECT_EQ(broken.undefined, 1);
  EXPECT_EQ(broken.maximum, 1);
  EXPECT_EQ((*layer)[columns + ColumnIndex("non_finite_rows")].maximum, 3);
  EXPECT_EQ((*layer)[ColumnIndex("sink_mass")].count, 10);
}

TEST(HeadFigures, SkippedSequencesAreNotCounted) {
  SyntheticStore store;
  SyntheticSweep sweep = OneCheckpoint();
  sweep.skipped_sequence = 5;
  sweep.figure = [](int64_t sequence, int, int, const std::string& label) {
    return label == kNonFiniteRows ? 0.0F : static_cast<float>(sequence);
  };
  const StoredSweep stored = store.Add(sweep);
  auto layer = ReaderOf(store, stored).ReadLayer(2);
  ASSERT_TRUE(layer.ok()) << layer.status();
  EXPECT_EQ(layer->front().count, 9);
  EXPECT_EQ(layer->front().undefined, 0);
  EXPECT_EQ(layer->front().mean, 40.0 / 9);
}

TEST(HeadFigures, OneSequenceAndOneHead) {
  SyntheticStore store;
  SyntheticSweep sweep = OneCheckpoint();
  sweep.sequences = 1;
  sweep.heads = 1;
  sweep.figure = [](int64_t, int, int, const std::string& label) {
    return label == kNonFiniteRows ? 0.0F : 2.5F;
  };
  const StoredSweep stored = store.Add(sweep);
  auto summary = ReaderOf(store, stored).ReadSummary();
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->layer[0].count, 1);
  EXPECT_EQ(summary->layer[0].mean, 2.5);
  EXPECT_TRUE(std::isnan(summary->layer[0].standard_deviation));
  for (const Correlation& correlation : summary->correlations) {
    EXPECT_TRUE(std::isnan(correlation.rho));
    EXPECT_TRUE(std::isnan(correlation.interval_low));
    EXPECT_TRUE(std::isnan(correlation.rho_sequences));
  }
}

TEST(HeadFigures, RefuseDamagedRecords) {
  SyntheticStore store;
  const StoredSweep stored = store.Add(OneCheckpoint());
  StoredCheckpoint row = store.Checkpoints(stored)[0];
  row.heads += 1;
  auto figures = ComputeHeadFigures(store.store(), row, *ParseSpec(stored.spec_json));
  EXPECT_EQ(ErrorReason(figures.status()), "RECORDS_DAMAGED") << figures.status();
}

TEST(RhoColumns, FollowTheSpec) {
  Spec spec = *PresetSpec("paper-table5");
  ASSERT_EQ(RhoColumnsOf(spec).size(), 2U);
  EXPECT_FALSE(RhoColumnsOf(spec)[0].sink_dropped);
  EXPECT_TRUE(RhoColumnsOf(spec)[1].sink_dropped);
  spec.sink = Sink::kDropped;
  ASSERT_EQ(RhoColumnsOf(spec).size(), 1U);
  EXPECT_TRUE(RhoColumnsOf(spec)[0].sink_dropped);
  EXPECT_GE(RhoColumnsOf(spec)[0].spectral_entropy_key_shuffled, 0);
  spec.nulls.clear();
  EXPECT_EQ(RhoColumnsOf(spec)[0].spectral_entropy_key_shuffled, -1);
  EXPECT_EQ(RhoColumnsOf(*PresetSpec("relative-window")).size(), 1U);
}

}  // namespace
}  // namespace ondelette::server
