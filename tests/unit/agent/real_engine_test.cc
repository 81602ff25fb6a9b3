// The agent with the real engine, over the suite that ships with the repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/spec/columns.h"
#include "tests/unit/agent/worker_fixture.h"
#include "worker/hub/hugging_face_cache.h"

namespace ondelette::agent {
namespace {

using Kind = Session::Kind;

class RealEngineTest : public WorkerFixture {
 protected:
  RealEngineTest() : hub_(ONDELETTE_SOURCE_DIR "/tests/data/hub", digests_.get()) {
    engine_options_.program = ONDELETTE_BIN_DIR "/ondelette-engine";
    std::ifstream file(ONDELETTE_SOURCE_DIR "/tests/data/corpus/austen-held-out.jsonl");
    std::stringstream text;
    text << file.rdbuf();
    corpus_ = coordinator_.AddCorpus(text.str());
  }
  ~RealEngineTest() override { StopWorker(); }

  void Start() {
    StartWorker("cpu", &hub_);
    session_ = Greet();
  }

  v1::CoordinatorMessage LeaseOn(const std::string& job, const std::string& revision) {
    auto checkpoint = hub_.Resolve("ondelette/austen-1m", revision);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    v1::CoordinatorMessage message = LeaseOf(job);
    message.mutable_lease()->set_model("ondelette/austen-1m");
    message.mutable_lease()->set_revision(revision);
    if (checkpoint.ok()) message.mutable_lease()->set_checkpoint_digest(checkpoint->digest);
    return message;
  }

  HuggingFaceCache hub_;
  std::shared_ptr<Session> session_;
};

TEST_F(RealEngineTest, MeasuresTheShippedSuite) {
  Start();
  session_->Send(LeaseOn("a", "main"));
  std::string records;
  v1::JobSucceeded result = session_->TakeResult(&records);
  ASSERT_EQ(result.measured_size(), 4);
  EXPECT_EQ(result.architecture(), "gpt_neox");
  EXPECT_EQ(result.device(), "cpu");
  EXPECT_EQ(result.heads(), 8);
  const std::vector<Column> columns = Columns(*PresetSpec("paper-table5"));
  ASSERT_EQ(result.columns(), static_cast<int>(columns.size()));
  std::vector<float> values(records.size() / sizeof(float));
  std::memcpy(values.data(), records.data(), records.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (columns[i % columns.size()].Label() != "spectral_entropy") continue;
    EXPECT_TRUE(std::isfinite(values[i]));
    EXPECT_GE(values[i], 0);
    EXPECT_LE(values[i], std::log(112.0 / 2 + 1) + 1e-4);
  }
  session_->Acknowledge(result.lease());
  // Sequence 0 alone has the record it had among four; the held checkpoint is not read again.
  v1::CoordinatorMessage one = LeaseOn("b", "main");
  one.mutable_lease()->set_sequences(1);
  session_->Send(one);
  std::string alone;
  v1::JobSucceeded second = session_->TakeResult(&alone);
  EXPECT_EQ(second.load_seconds(), 0);
  EXPECT_TRUE(std::memcmp(alone.data(), records.data(), alone.size()) == 0);
}

TEST_F(RealEngineTest, ComputesControls) {
  Start();
  v1::CoordinatorMessage task;
  task.mutable_task()->set_id(1);
  task.mutable_task()->mutable_controls()->set_spec_json("{\"preset\": \"paper-table5\"}");
  session_->Send(task);
  auto result = session_->Take(Kind::kTaskResult);
  ASSERT_TRUE(result.has_value());
  const v1::Controls& controls = result->task_result().controls();
  ASSERT_EQ(controls.patterns_size(), 5);
  EXPECT_EQ(controls.patterns(0).name(), "uniform-causal");
  EXPECT_EQ(controls.patterns(0).values_size(),
            static_cast<int>(Columns(*PresetSpec("paper-table5")).size()));
}

TEST_F(RealEngineTest, ACorruptCheckpointFailsItsJobAloneAndNamesTheFile) {
  // The fixture's models have an empty configuration.
  corpus_ = coordinator_.AddCorpus(TokenCorpus(8, 112));
  StartWorker("cpu");
  session_ = Greet();
  session_->Send(LeaseOf("bad"));
  auto failed = session_->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->job_failed().error().error_class(), v1::ERROR_CLASS_DETERMINISTIC);
  EXPECT_THAT(failed->job_failed().error().message(), testing::HasSubstr("step0/config.json"));
}

}  // namespace
}  // namespace ondelette::agent
