// ResultService over real gRPC and a real store.
#include "server/service/result_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "common/spec/columns.h"
#include "ondelette/v1/results.grpc.pb.h"
#include "server/aggregate/aggregate_checkpoint.h"
#include "synthetic_store.h"

namespace ondelette::server {
namespace {

class ResultServiceTest : public testing::Test {
 protected:
  ~ResultServiceTest() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    stop_ = true;
    clock_.join();
  }

  void Serve(std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    guard_ = std::make_unique<StallGuard>(patience);
    service_ = MakeResultService(store_.store(), pool_, *guard_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    clock_ = std::thread([this] {
      while (!stop_) {
        guard_->CutStalled();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    // A reader that takes 64 KB ahead of what it has read, so that a stalled one stalls soon.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                         grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::ResultService::NewStub(channel_);
  }

  // All messages of a stream; the status is left in status_.
  template <typename Rows, typename Reader>
  std::vector<Rows> Drain(Reader reader) {
    std::vector<Rows> messages;
    Rows rows;
    while (reader->Read(&rows)) {
      EXPECT_LT(rows.ByteSizeLong(), 1U << 20);
      EXPECT_LE(rows.rows_size(), 1000);
      messages.push_back(rows);
    }
    status_ = FromRpcStatus(reader->Finish());
    return messages;
  }

  std::vector<v1::AggregateRow> Aggregates(const v1::AggregateQuery& query) {
    grpc::ClientContext context;
    std::vector<v1::AggregateRow> all;
    for (const auto& rows : Drain<v1::AggregateRows>(stub_->QueryAggregates(&context, query)))
      all.insert(all.end(), rows.rows().begin(), rows.rows().end());
    return all;
  }
  std::vector<v1::RecordRow> Records(const v1::RecordQuery& query) {
    grpc::ClientContext context;
    std::vector<v1::RecordRow> all;
    columns_.clear();
    for (const auto& rows : Drain<v1::RecordRows>(stub_->QueryRecords(&context, query))) {
      if (columns_.empty()) columns_.assign(rows.columns().begin(), rows.columns().end());
      all.insert(all.end(), rows.rows().begin(), rows.rows().end());
    }
    return all;
  }
  std::vector<v1::CorrelationRow> Correlations(const v1::CorrelationQuery& query) {
    grpc::ClientContext context;
    std::vector<v1::CorrelationRow> all;
    for (const auto& rows : Drain<v1::CorrelationRows>(stub_->QueryCorrelations(&context, query)))
      all.insert(all.end(), rows.rows().begin(), rows.rows().end());
    return all;
  }

  static v1::AggregateQuery AggregateQueryOf(v1::AggregateLevel level) {
    v1::AggregateQuery query;
    query.mutable_filter()->set_sweep("sweep");
    query.set_level(level);
    return query;
  }
  static size_t ColumnCount() { return Columns(*PresetSpec("paper-table5")).size(); }

  SyntheticStore store_;
  Pool pool_{2, 100};
  std::unique_ptr<StallGuard> guard_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::atomic<bool> stop_{false};
  std::thread clock_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ResultService::Stub> stub_;
  absl::Status status_;
  std::vector<std::string> columns_;
};

TEST_F(ResultServiceTest, RecordsComeInOrderWithTheirValues) {
  store_.Add({});
  Serve();
  v1::RecordQuery query;
  query.mutable_filter()->set_sweep("sweep");
  const std::vector<v1::RecordRow> rows = Records(query);
  ASSERT_TRUE(status_.ok()) << status_;
  ASSERT_EQ(rows.size(), 3U * 10 * 3 * 4);
  ASSERT_EQ(columns_.size(), ColumnCount());
  size_t i = 0;
  for (const char* revision : {"step0", "step1", "step2"}) {
    for (int sequence = 0; sequence < 10; ++sequence) {
      for (int layer = 0; layer < 3; ++layer) {
        for (int head = 0; head < 4; ++head, ++i) {
          ASSERT_EQ(rows[i].revision(), revision);
          ASSERT_EQ(rows[i].sequence(), sequence);
          ASSERT_EQ(rows[i].sequence_id(), absl::StrCat("passage-", sequence));
          ASSERT_EQ(rows[i].layer(), layer);
          ASSERT_EQ(rows[i].head(), head);
          const float expected = SomeFigure(sequence, layer, head, columns_[2]);
          const float actual = rows[i].values(2);
          ASSERT_TRUE(actual == expected || (std::isnan(actual) && std::isnan(expected)));
        }
      }
    }
  }
}

TEST_F(ResultServiceTest, RecordsAreFiltered) {
  store_.Add({});
  Serve();
  v1::RecordQuery query;
  v1::Filter& filter = *query.mutable_filter();
  filter.set_sweep("sweep");
  filter.add_revisions("step2");
  filter.add_layers(2);
  filter.add_layers(0);
  filter.add_heads(3);
  filter.add_metrics("wavelet_entropy");
  filter.add_metrics("scale_sensitivity");
  filter.add_metrics("wavelet_energy[1]");
  for (int64_t sequence : {9, 4, 1, 2, 4}) query.add_sequences(sequence);
  const std::vector<v1::RecordRow> rows = Records(query);
  ASSERT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(columns_, (std::vector<std::string>{
                          "wavelet_entropy[0]", "wavelet_entropy[1]", "wavelet_entropy[2]",
                          "wavelet_entropy[3]", "wavelet_entropy[4]", "wavelet_energy[1]",
                          "scale_sensitivity_0.5", "scale_sensitivity_0.25"}));
  ASSERT_EQ(rows.size(), 4U * 2);
  const int64_t sequences[] = {1, 1, 2, 2, 4, 4, 9, 9};
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].sequence(), sequences[i]);
    EXPECT_EQ(rows[i].layer(), i % 2 == 0 ? 0 : 2);
    EXPECT_EQ(rows[i].head(), 3);
    EXPECT_EQ(rows[i].values_size(), 8);
  }
}

TEST_F(ResultServiceTest, AnEmptyAnswerStillNamesItsColumns) {
  SyntheticSweep sweep;
  sweep.digests = {"", "", "!"};
  store_.Add(sweep);
  Serve();
  v1::RecordQuery query;
  query.mutable_filter()->set_sweep("sweep");
  EXPECT_TRUE(Records(query).empty());
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(columns_.size(), ColumnCount());
}

TEST_F(ResultServiceTest, AggregatesOfEveryLevelComeInOrder) {
  const StoredSweep sweep = store_.Add({});
  ASSERT_TRUE(AggregateCheckpoint(store_.store(), store_.Checkpoints(sweep)[0].id).ok());
  Serve();
  auto query = AggregateQueryOf(v1::AGGREGATE_LEVEL_HEAD);
  const auto heads = Aggregates(query);
  ASSERT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(heads.size(), 3U * 3 * 4 * ColumnCount());
  std::set<std::string> keys;
  for (const v1::AggregateRow& row : heads) {
    EXPECT_TRUE(row.complete());
    EXPECT_EQ(row.statistics().count() + row.statistics().undefined(), 10);
    keys.insert(absl::StrCat(row.revision(), "/", row.layer(), "/", row.head(), "/", row.metric()));
  }
  EXPECT_EQ(keys.size(), heads.size());

  query.set_level(v1::AGGREGATE_LEVEL_LAYER);
  const auto layers = Aggregates(query);
  EXPECT_EQ(layers.size(), 3U * 3 * ColumnCount());
  EXPECT_EQ(layers[ColumnCount()].layer(), 1);
  EXPECT_EQ(layers[0].head(), -1);

  query.set_level(v1::AGGREGATE_LEVEL_MODEL);
  query.mutable_filter()->add_metrics("sink_mass");
  const auto models = Aggregates(query);
  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(models[0].layer(), -1);
  EXPECT_EQ(models[0].statistics().count(), 12);
  EXPECT_EQ(models[2].revision(), "step2");
}

double FigureAt(const v1::AggregateBlock& block, size_t index, size_t figure) {
  double value = 0;
  std::memcpy(&value, block.statistics().data() + index * 64 + 8 + figure * 8, sizeof(value));
  return value;
}

TEST_F(ResultServiceTest, BlocksHoldWhatRowsDo) {
  store_.Add({});
  Serve();
  v1::AggregateQuery query = AggregateQueryOf(v1::AGGREGATE_LEVEL_HEAD);
  for (const char* metric : {"", "spectral_entropy", "wavelet_entropy"}) {
    query.mutable_filter()->clear_metrics();
    if (*metric != 0) query.mutable_filter()->add_metrics(metric);
    query.mutable_filter()->clear_heads();
    if (*metric != 0) query.mutable_filter()->add_heads(2);
    query.set_packed(false);
    const std::vector<v1::AggregateRow> rows = Aggregates(query);
    ASSERT_FALSE(rows.empty()) << status_;
    query.set_packed(true);
    grpc::ClientContext context;
    size_t row = 0;
    for (const auto& message : Drain<v1::AggregateRows>(stub_->QueryAggregates(&context, query))) {
      for (const v1::AggregateBlock& block : message.blocks()) {
        const auto count = static_cast<size_t>(block.heads_size() * block.metrics_size());
        ASSERT_EQ(block.statistics().size(), count * 64);
        for (size_t i = 0; i < count; ++i, ++row) {
          ASSERT_LT(row, rows.size());
          const v1::Statistics& expected = rows[row].statistics();
          uint32_t counts[2];
          std::memcpy(counts, block.statistics().data() + i * 64, sizeof(counts));
          EXPECT_EQ(block.revision(), rows[row].revision());
          EXPECT_EQ(block.layer(), rows[row].layer());
          EXPECT_EQ(block.heads(static_cast<int>(i) / block.metrics_size()), rows[row].head());
          EXPECT_EQ(block.metrics(static_cast<int>(i) % block.metrics_size()), rows[row].metric());
          EXPECT_EQ(block.alias_of(), rows[row].alias_of());
          EXPECT_EQ(block.complete(), rows[row].complete());
          EXPECT_EQ(counts[0], expected.count());
          EXPECT_EQ(counts[1], expected.undefined());
          const double same[] = {expected.mean(),    expected.standard_deviation(),
                                 expected.minimum(), expected.first_quartile(),
                                 expected.median(),  expected.third_quartile(),
                                 expected.maximum()};
          EXPECT_EQ(std::memcmp(same, block.statistics().data() + i * 64 + 8, sizeof(same)), 0)
              << rows[row].metric() << " " << FigureAt(block, i, 0);
        }
      }
    }
    EXPECT_TRUE(status_.ok()) << status_;
    EXPECT_EQ(row, rows.size());
  }
  query.set_level(v1::AGGREGATE_LEVEL_MODEL);
  Aggregates(query);
  EXPECT_EQ(ErrorReason(status_), "FILTER_INVALID");
}

TEST_F(ResultServiceTest, AnAliasAnswersWithTheComputedFigures) {
  store_.Add({});
  Serve();
  const auto rows = Aggregates(AggregateQueryOf(v1::AGGREGATE_LEVEL_MODEL));
  ASSERT_EQ(rows.size(), 3 * ColumnCount());
  for (size_t i = 0; i < ColumnCount(); ++i) {
    const v1::AggregateRow& computed = rows[i];
    const v1::AggregateRow& alias = rows[ColumnCount() + i];
    EXPECT_EQ(alias.revision(), "step1");
    EXPECT_EQ(alias.alias_of(), "model-a@step0");
    EXPECT_EQ(computed.alias_of(), "");
    EXPECT_TRUE(alias.complete());
    EXPECT_EQ(alias.statistics().SerializeAsString(), computed.statistics().SerializeAsString());
  }
}

TEST_F(ResultServiceTest, AnIncompleteCheckpointAnswersWithWhatIsThere) {
  SyntheticSweep sweep;
  sweep.succeeds = [](const std::string& digest, int64_t first) {
    return digest == "d0" || first == 3;
  };
  store_.Add(sweep);
  Serve();
  auto query = AggregateQueryOf(v1::AGGREGATE_LEVEL_HEAD);
  query.mutable_filter()->add_metrics("non_finite_rows");
  const auto rows = Aggregates(query);
  ASSERT_TRUE(status_.ok()) << status_;
  ASSERT_EQ(rows.size(), 3U * 3 * 4);
  EXPECT_TRUE(rows[0].complete());
  EXPECT_EQ(rows[0].statistics().count(), 10);
  EXPECT_FALSE(rows.back().complete());
  EXPECT_EQ(rows.back().statistics().count(), 3);
}

TEST_F(ResultServiceTest, FailedAndUnresolvedCheckpointsHaveNoRows) {
  SyntheticSweep sweep;
  sweep.digests = {"!", "d1", ""};
  store_.Add(sweep);
  Serve();
  for (const v1::AggregateRow& row : Aggregates(AggregateQueryOf(v1::AGGREGATE_LEVEL_MODEL)))
    EXPECT_EQ(row.revision(), "step1");
  EXPECT_TRUE(status_.ok()) << status_;
}

TEST_F(ResultServiceTest, AnswersAreTheSameKeptOrComputed) {
  SyntheticSweep sweep;
  sweep.figure = [](int64_t sequence, int layer, int head, const std::string& label) {
    const float figure = SomeFigure(sequence, layer, head, label);
    return std::isnan(figure) ? 1.0F : figure;
  };
  store_.Add(sweep);
  Serve();
  const auto query = AggregateQueryOf(v1::AGGREGATE_LEVEL_HEAD);
  const auto computed = Aggregates(query);
  const auto kept = Aggregates(query);
  ASSERT_EQ(computed.size(), kept.size());
  for (size_t i = 0; i < kept.size(); ++i)
    ASSERT_EQ(computed[i].SerializeAsString(), kept[i].SerializeAsString());
}

TEST_F(ResultServiceTest, Correlations) {
  store_.Add({});
  Serve();
  v1::CorrelationQuery query;
  query.mutable_filter()->set_sweep("sweep");
  const auto rows = Correlations(query);
  ASSERT_TRUE(status_.ok()) << status_;
  ASSERT_EQ(rows.size(), 3U * (1 + 3) * 2);
  double mean = 0;
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(rows[i].layer(), static_cast<int>(i / 2) - 1);
    EXPECT_EQ(rows[i].sink_dropped(), i % 2 == 1);
    EXPECT_EQ(rows[i].difference(), rows[i].rho() - rows[i].rho_key_shuffled());
    if (i >= 2 && i % 2 == 0) mean += rows[i].rho() / 3;
  }
  EXPECT_NEAR(rows[0].rho(), mean, 1e-12);
  EXPECT_EQ(rows[8].alias_of(), "model-a@step0");

  query.mutable_filter()->add_layers(-1);
  EXPECT_EQ(Correlations(query).size(), 3U * 2);
  query.mutable_filter()->add_layers(2);
  EXPECT_EQ(Correlations(query).size(), 3U * 2 * 2);
  query.mutable_filter()->add_heads(0);
  EXPECT_TRUE(Correlations(query).empty());
  EXPECT_EQ(ErrorReason(status_), "FILTER_INVALID");
}

TEST_F(ResultServiceTest, ControlsAreTheSpecs) {
  const StoredSweep sweep = store_.Add({});
  Serve();
  v1::ControlQuery query;
  query.set_sweep("sweep");
  v1::ControlRows rows;
  {
    grpc::ClientContext context;
    EXPECT_EQ(ErrorReason(FromRpcStatus(stub_->QueryControls(&context, query, &rows))),
              "CONTROLS_PENDING");
  }
  v1::Controls controls;
  v1::ControlPattern& pattern = *controls.add_patterns();
  pattern.set_name("uniform-causal");
  for (size_t i = 0; i < ColumnCount(); ++i) pattern.add_values(static_cast<float>(i));
  ASSERT_TRUE(store_.store().PutControls(sweep.spec_digest, controls).ok());
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->QueryControls(&context, query, &rows).ok());
  ASSERT_EQ(rows.rows_size(), 1);
  EXPECT_EQ(rows.columns_size(), static_cast<int>(ColumnCount()));
  EXPECT_EQ(rows.rows(0).pattern(), "uniform-causal");
  EXPECT_EQ(rows.rows(0).values(4), 4);
}

struct BadFilter {
  std::function<void(v1::AggregateQuery&)> spoil;
  absl::StatusCode code;
  std::string reason;
  std::string text;  // that the message or remedy holds
};

TEST_F(ResultServiceTest, BadFiltersAreRefusedAndSayWhatThereIs) {
  store_.Add({});
  Serve();
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kNotFound = absl::StatusCode::kNotFound;
  const BadFilter cases[] = {
      {[](auto& q) { q.mutable_filter()->clear_sweep(); }, kInvalid, "FILTER_INVALID", "sweep"},
      {[](auto& q) { q.mutable_filter()->set_sweep("x"); }, kNotFound, "SWEEP_UNKNOWN", "x"},
      {[](auto& q) { q.mutable_filter()->add_models("b"); }, kNotFound, "FILTER_UNKNOWN",
       "model-a"},
      {[](auto& q) { q.mutable_filter()->add_revisions("step9"); }, kNotFound, "FILTER_UNKNOWN",
       "step0, step1, step2"},
      {[](auto& q) { q.mutable_filter()->add_metrics("entropy"); }, kInvalid, "FILTER_UNKNOWN",
       "spectral_entropy"},
      {[](auto& q) { q.mutable_filter()->add_metrics(std::string(1 << 20, '\n')); }, kInvalid,
       "FILTER_UNKNOWN", "\\n"},
      {[](auto& q) { q.mutable_filter()->add_layers(-2); }, kInvalid, "FILTER_INVALID", "layers"},
      {[](auto& q) { q.mutable_filter()->add_layers(3); }, kNotFound, "FILTER_UNKNOWN", "0 to 2"},
      {[](auto& q) { q.mutable_filter()->add_heads(4); }, kNotFound, "FILTER_UNKNOWN", "0 to 3"},
      {[](auto& q) { q.clear_level(); }, kInvalid, "FILTER_INVALID", "level"},
      {[](auto& q) {
         q.set_level(v1::AGGREGATE_LEVEL_MODEL);
         q.mutable_filter()->add_layers(1);
       },
       kInvalid, "FILTER_INVALID", "layers"},
      {[](auto& q) {
         q.set_level(v1::AGGREGATE_LEVEL_LAYER);
         q.mutable_filter()->add_heads(1);
       },
       kInvalid, "FILTER_INVALID", "heads"},
  };
  for (const BadFilter& bad : cases) {
    auto query = AggregateQueryOf(v1::AGGREGATE_LEVEL_HEAD);
    bad.spoil(query);
    EXPECT_TRUE(Aggregates(query).empty());
    EXPECT_EQ(status_.code(), bad.code) << status_;
    EXPECT_EQ(ErrorReason(status_), bad.reason) << status_;
    EXPECT_NE(ErrorText(status_).find(bad.text), std::string::npos) << ErrorText(status_);
  }
  v1::RecordQuery records;
  records.mutable_filter()->set_sweep("sweep");
  records.add_sequences(10);
  EXPECT_TRUE(Records(records).empty());
  EXPECT_EQ(ErrorReason(status_), "FILTER_UNKNOWN");
}

// 6 MB of answer: far more than the transport takes for a reader that does not read.
SyntheticSweep LongAnswer() {
  SyntheticSweep sweep;
  sweep.sequences = 400;
  sweep.sequences_per_job = 100;
  sweep.layers = 8;
  sweep.heads = 8;
  sweep.revisions = {"main"};
  sweep.digests = {"d0"};
  sweep.figure = [](int64_t, int, int, const std::string&) { return 0.0F; };
  return sweep;
}

TEST_F(ResultServiceTest, AStalledReaderIsCutOff) {
  store_.Add(LongAnswer());
  Serve(std::chrono::milliseconds(200));
  v1::RecordQuery query;
  query.mutable_filter()->set_sweep("sweep");
  grpc::ClientContext context;
  auto reader = stub_->QueryRecords(&context, query);
  v1::RecordRows rows;
  ASSERT_TRUE(reader->Read(&rows));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  // Others are answered meanwhile and afterwards.
  EXPECT_EQ(Aggregates(AggregateQueryOf(v1::AGGREGATE_LEVEL_MODEL)).size(), ColumnCount());
  size_t more = 0;
  while (reader->Read(&rows)) ++more;
  EXPECT_FALSE(reader->Finish().ok());
  EXPECT_LT(more, 20U);
}

TEST_F(ResultServiceTest, ASlowReaderIsNot) {
  store_.Add(LongAnswer());
  Serve(std::chrono::milliseconds(1000));
  v1::RecordQuery query;
  query.mutable_filter()->set_sweep("sweep");
  grpc::ClientContext context;
  auto reader = stub_->QueryRecords(&context, query);
  v1::RecordRows rows;
  int all = 0;
  while (reader->Read(&rows)) {
    all += rows.rows_size();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(all, 400 * 8 * 8);
}

TEST_F(ResultServiceTest, AReaderThatGoesLeavesNothingBehind) {
  store_.Add(LongAnswer());
  Serve();
  v1::RecordQuery query;
  query.mutable_filter()->set_sweep("sweep");
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    auto reader = stub_->QueryRecords(&context, query);
    v1::RecordRows rows;
    ASSERT_TRUE(reader->Read(&rows));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace ondelette::server
