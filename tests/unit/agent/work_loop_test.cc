// The work loop against a coordinator that follows a script, over real gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "absl/time/clock.h"
#include "common/spec/columns.h"
#include "tests/unit/agent/worker_fixture.h"

namespace ondelette::agent {
namespace {

using Kind = Session::Kind;
using testing::HasSubstr;

using WorkLoopTest = WorkerFixture;

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

TEST_F(WorkLoopTest, SaysHelloAsksForTwoAndSendsHeartbeats) {
  StartWorker();
  auto session = Greet();
  EXPECT_EQ(hello_.worker_id(), "worker-1");
  EXPECT_EQ(hello_.name(), "test worker");
  EXPECT_EQ(hello_.version(), "1.2.3");
  EXPECT_EQ(hello_.engine_version(), "9.9");
  EXPECT_EQ(hello_.device(), "test device");
  EXPECT_EQ(hello_.dtype(), "float32");
  EXPECT_EQ(hello_.memory_bytes(), 1 << 30);
  EXPECT_EQ(hello_.leases_size(), 0);
  EXPECT_EQ(session->Take(Kind::kWorkRequest)->work_request().leases(), 2);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(session->Take(Kind::kHeartbeat).has_value());
}

TEST_F(WorkLoopTest, MeasuresALeaseAndSendsItsRecordsInOrder) {
  StartWorker();
  auto session = Greet();
  session->Send(LeaseOf("job", 3, 4));
  std::string records;
  v1::JobSucceeded result = session->TakeResult(&records);
  const size_t columns = Columns(*PresetSpec("paper-table5")).size();
  EXPECT_EQ(result.lease().job(), "job");
  EXPECT_EQ(result.layers(), 2);
  EXPECT_EQ(result.heads(), 3);
  EXPECT_EQ(result.columns(), static_cast<int>(columns));
  EXPECT_EQ(result.architecture(), "test");
  EXPECT_EQ(result.engine_version(), "9.9");
  EXPECT_EQ(result.device(), "test device");
  ASSERT_EQ(result.measured_size(), 4);
  const std::vector<float> floats = Floats(records);
  const size_t record = 6 * columns;  // 2 layers of 3 heads
  ASSERT_EQ(floats.size(), 4 * record);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result.measured(static_cast<int>(i)).sequence(), static_cast<int64_t>(3 + i));
    EXPECT_EQ(floats[i * record], static_cast<float>(103 + i));
    EXPECT_EQ(floats[(i + 1) * record - 1], static_cast<float>(103 + i));
  }
  session->Acknowledge(result.lease());
}

TEST_F(WorkLoopTest, KeepsOneJobAheadOfTheEngine) {
  StartWorker("slow");
  auto session = Greet();
  ASSERT_EQ(session->Take(Kind::kWorkRequest)->work_request().leases(), 2);
  session->Send(LeaseOf("a"));
  session->Send(LeaseOf("b", 4));
  // Nothing more is asked for while two are held; then one for each that ends.
  EXPECT_FALSE(session->Take(Kind::kWorkRequest, absl::Milliseconds(200)).has_value());
  auto request = session->Take(Kind::kWorkRequest);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->work_request().leases(), 1);
  EXPECT_EQ(session->TakeResult().lease().job(), "a");
  EXPECT_EQ(session->TakeResult().lease().job(), "b");
}

TEST_F(WorkLoopTest, TellsTheEngineOfTheNextCheckpointWhileItWorks) {
  StartWorker("slow");
  auto session = Greet();
  session->Send(LeaseOf("a"));
  session->Send(LeaseOf("b", 4));
  session->Send(LeaseOf("c", 0, 4, 1, "step1"));
  EXPECT_EQ(session->TakeResult().architecture(), "test");
  EXPECT_EQ(session->TakeResult().load_seconds(), 0);
  const v1::JobSucceeded third = session->TakeResult();
  EXPECT_EQ(third.lease().job(), "c");
  EXPECT_EQ(third.architecture(), "prepared");
}

TEST_F(WorkLoopTest, AHeldCheckpointIsListedFirstAndNotLoadedAgain) {
  StartWorker();
  auto session = Greet();
  session->Send(LeaseOf("a"));
  v1::JobSucceeded first = session->TakeResult();
  EXPECT_GT(first.load_seconds(), 0);
  session->Acknowledge(first.lease());
  session->Send(LeaseOf("b", 0, 2));
  v1::JobSucceeded second = session->TakeResult();
  EXPECT_EQ(second.load_seconds(), 0);
  session->Cut();
  Greet();
  ASSERT_GE(hello_.held_checkpoints_size(), 1);
  EXPECT_EQ(hello_.held_checkpoints(0), DigestOf("step0"));
}

TEST_F(WorkLoopTest, AResultOutlivesItsStreamAndIsSentAgain) {
  StartWorker("slow");
  auto session = Greet();
  const v1::CoordinatorMessage lease = LeaseOf("job");
  session->Send(lease);
  WaitForProgress(*session, "job");
  coordinator_.Stop();  // the engine goes on meanwhile
  absl::SleepFor(absl::Milliseconds(800));
  coordinator_.Start();
  auto second = Greet({IdOf(lease)});
  ASSERT_EQ(hello_.leases_size(), 1);
  EXPECT_EQ(hello_.leases(0).job(), "job");
  std::string records;
  second->TakeResult(&records);
  second->Cut();  // before the acknowledgement
  auto third = Greet({IdOf(lease)});
  std::string again;
  v1::JobSucceeded result = third->TakeResult(&again);
  EXPECT_EQ(records, again);
  third->Acknowledge(result.lease());
  absl::SleepFor(absl::Milliseconds(100));
  third->Cut();
  Greet();
  EXPECT_EQ(hello_.leases_size(), 0) << "an acknowledged result was kept";
}

TEST_F(WorkLoopTest, ALeaseThatIsNotKeptIsDropped) {
  StartWorker("slow");
  auto session = Greet();
  session->Send(LeaseOf("job", 0, 8));
  WaitForProgress(*session, "job");
  session->Cut();
  auto second = Greet({});
  EXPECT_EQ(hello_.leases_size(), 1);
  EXPECT_FALSE(second->Take(Kind::kJobSucceeded, absl::Seconds(1)).has_value());
  EXPECT_EQ(second->Take(Kind::kWorkRequest)->work_request().leases(), 2);
  second->Send(LeaseOf("next", 0, 2, 7));
  EXPECT_EQ(second->TakeResult().lease().epoch(), 7U);
}

TEST_F(WorkLoopTest, ARevokedJobIsBrokenOffAndTheNextOneRuns) {
  StartWorker("slow");
  auto session = Greet();
  session->Send(LeaseOf("long", 0, 8));
  session->Send(LeaseOf("next", 0, 1));
  WaitForProgress(*session, "long", 1);
  v1::CoordinatorMessage revoke;
  revoke.mutable_lease_revoked()->mutable_lease()->set_job("long");
  revoke.mutable_lease_revoked()->mutable_lease()->set_epoch(1);
  revoke.mutable_lease_revoked()->set_reason("the sweep was cancelled");
  session->Send(revoke);
  EXPECT_EQ(session->TakeResult().lease().job(), "next");
  EXPECT_FALSE(session->Take(Kind::kJobFailed, absl::ZeroDuration()).has_value());
}

TEST_F(WorkLoopTest, AHungEngineFailsOnlyItsJob) {
  setenv("ONDELETTE_TEST_ONCE", (folder_ / "once").c_str(), 1);
  engine_options_.silence = absl::Milliseconds(300);
  StartWorker("hang");
  auto session = Greet();
  session->Send(LeaseOf("bad"));
  session->Send(LeaseOf("good"));
  auto failed = session->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->job_failed().lease().job(), "bad");
  EXPECT_EQ(failed->job_failed().error().error_class(), v1::ERROR_CLASS_ENGINE_DEATH);
  EXPECT_EQ(failed->job_failed().error().reason(), "ENGINE_HUNG");
  EXPECT_EQ(session->TakeResult().lease().job(), "good");
  unsetenv("ONDELETTE_TEST_ONCE");
}

TEST_F(WorkLoopTest, WrongRecordsAreNeverSent) {
  for (const char* behaviour : {"wrong-columns", "wrong-order", "done-early"}) {
    StartWorker(behaviour);
    auto session = Greet();
    session->Send(LeaseOf("job"));
    auto failed = session->Take(Kind::kJobFailed);
    ASSERT_TRUE(failed.has_value()) << behaviour;
    EXPECT_EQ(failed->job_failed().error().reason(), "ENGINE_GARBLED");
    EXPECT_FALSE(session->Take(Kind::kRecordBlock, absl::ZeroDuration()).has_value());
    StopWorker();
  }
}

TEST_F(WorkLoopTest, TheEnginesErrorKeepsItsClass) {
  StartWorker("fail");
  auto session = Greet();
  session->Send(LeaseOf("job"));
  auto failed = session->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->job_failed().error().error_class(), v1::ERROR_CLASS_DETERMINISTIC);
  EXPECT_EQ(failed->job_failed().error().reason(), "CHECKPOINT_CORRUPT");
}

TEST_F(WorkLoopTest, ASequenceTheEngineSkipsIsTold) {
  StartWorker("skip");
  auto session = Greet();
  session->Send(LeaseOf("job"));
  auto failed = session->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->job_failed().error().reason(), "SEQUENCES_UNUSABLE");
  EXPECT_THAT(failed->job_failed().error().message(), HasSubstr("token 7"));
}

TEST_F(WorkLoopTest, OtherFilesThanPlannedAreAnErrorThatNamesTheFile) {
  StartWorker();
  auto session = Greet();
  v1::CoordinatorMessage lease = LeaseOf("job");
  v1::CoordinatorMessage task;
  task.mutable_task()->set_id(5);
  task.mutable_task()->mutable_resolve()->set_model("m");
  task.mutable_task()->mutable_resolve()->set_revision("step0");
  session->Send(task);
  auto resolved = session->Take(Kind::kTaskResult);
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(resolved->task_result().id(), 5U);
  EXPECT_EQ(resolved->task_result().resolved().digest(), lease.lease().checkpoint_digest());
  EXPECT_EQ(resolved->task_result().resolved().files_size(), 2);
  WriteFile(folder_ / "models/m/step0/model.safetensors", "others");
  session->Send(lease);
  auto failed = session->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  const v1::Error& error = failed->job_failed().error();
  EXPECT_EQ(error.reason(), "CHECKPOINT_CHANGED");
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_DETERMINISTIC);
  EXPECT_THAT(error.message(), HasSubstr("model.safetensors"));
  EXPECT_THAT(error.message(), testing::Not(HasSubstr("config.json")));
}

TEST_F(WorkLoopTest, TasksAreAnsweredAlsoWhileTheEngineWorks) {
  StartWorker("slow");
  auto session = Greet();
  session->Send(LeaseOf("job", 0, 8));
  WaitForProgress(*session, "job", 1);
  v1::CoordinatorMessage task;
  task.mutable_task()->set_id(1);
  task.mutable_task()->mutable_resolve()->set_model("m");
  task.mutable_task()->mutable_resolve()->set_revision("step999");
  session->Send(task);
  v1::CoordinatorMessage controls;
  controls.mutable_task()->set_id(2);
  controls.mutable_task()->mutable_controls()->set_spec_json("{\"preset\": \"paper-table1\"}");
  session->Send(controls);
  auto unknown = session->Take(Kind::kTaskResult);
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->task_result().error().reason(), "REVISION_NOT_FOUND");
  auto patterns = session->Take(Kind::kTaskResult);
  ASSERT_TRUE(patterns.has_value());
  ASSERT_EQ(patterns->task_result().controls().patterns_size(), 2);
  EXPECT_EQ(patterns->task_result().controls().patterns(1).name(), "sink");
  EXPECT_EQ(static_cast<size_t>(patterns->task_result().controls().patterns(1).values_size()),
            Columns(*PresetSpec("paper-table1")).size());
  session->TakeResult();
}

TEST_F(WorkLoopTest, ALeaseThatMakesNoSenseFailsAlone) {
  StartWorker();
  auto session = Greet();
  v1::CoordinatorMessage bad_spec = LeaseOf("bad spec");
  bad_spec.mutable_lease()->set_spec_json("{\"taper\": \"blackman\"}");
  v1::CoordinatorMessage bad_range = LeaseOf("bad range", 6, 4);
  for (const auto& [lease, reason] :
       {std::pair{bad_spec, "SPEC_INVALID"}, std::pair{bad_range, "CORPUS_RANGE"}}) {
    session->Send(lease);
    auto failed = session->Take(Kind::kJobFailed);
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->job_failed().error().reason(), reason);
    session->Acknowledge(failed->job_failed().lease());
  }
  session->Send(LeaseOf("good"));
  EXPECT_EQ(session->TakeResult().lease().job(), "good");
}

TEST_F(WorkLoopTest, ADrainFinishesTheRunningJobAndReturnsTheOther) {
  StartWorker("slow");
  auto session = Greet();
  session->Send(LeaseOf("running"));
  session->Send(LeaseOf("waiting", 4));
  WaitForProgress(*session, "running", 1);
  loop_->Drain();
  EXPECT_TRUE(session->Take(Kind::kDraining).has_value());
  auto returned = session->Take(Kind::kLeaseReturned);
  ASSERT_TRUE(returned.has_value());
  EXPECT_EQ(returned->lease_returned().lease().job(), "waiting");
  session->Send(LeaseOf("late"));
  EXPECT_EQ(session->Take(Kind::kLeaseReturned)->lease_returned().lease().job(), "late");
  v1::JobSucceeded result = session->TakeResult();
  EXPECT_EQ(result.lease().job(), "running");
  session->Acknowledge(result.lease());
  EXPECT_TRUE(JoinWorker().ok());
  EXPECT_TRUE(session->Ended());
}

TEST_F(WorkLoopTest, ASecondDrainHandsBackAtOnce) {
  StartWorker("hang");
  auto session = Greet();
  session->Send(LeaseOf("running"));
  WaitForProgress(*session, "running");
  loop_->Drain();
  EXPECT_TRUE(session->Take(Kind::kDraining).has_value());
  loop_->Drain();
  auto returned = session->Take(Kind::kLeaseReturned);
  ASSERT_TRUE(returned.has_value());
  EXPECT_EQ(returned->lease_returned().lease().job(), "running");
  EXPECT_TRUE(JoinWorker().ok());
}

TEST_F(WorkLoopTest, ADrainIsBounded) {
  options_.drain_time = absl::Milliseconds(200);
  StartWorker("hang");
  auto session = Greet();
  session->Send(LeaseOf("running"));
  WaitForProgress(*session, "running");
  loop_->Drain();
  EXPECT_TRUE(session->Take(Kind::kLeaseReturned).has_value());
  EXPECT_TRUE(JoinWorker().ok());
}

TEST_F(WorkLoopTest, DrainsWithoutACoordinator) {
  coordinator_.Stop();
  StartWorker();
  absl::SleepFor(absl::Milliseconds(300));
  loop_->Drain();
  EXPECT_TRUE(JoinWorker().ok());
}

TEST_F(WorkLoopTest, ACoordinatorThatLeavesIsComeBackTo) {
  StartWorker();
  auto session = Greet();
  v1::CoordinatorMessage drain;
  drain.mutable_drain();
  session->Send(drain);
  EXPECT_TRUE(session->Ended());
  const absl::Time ended = absl::Now();
  Greet();
  EXPECT_GE(absl::Now() - ended, absl::Milliseconds(900));
}

TEST_F(WorkLoopTest, AnEngineThatNeverStartsEndsTheWorker) {
  StartWorker("die-at-start");
  absl::Status result = JoinWorker();
  EXPECT_TRUE(IsEngineUnavailable(result)) << result;
}

TEST_F(WorkLoopTest, ADamagedCorpusIsRefusedAndFetchedAgain) {
  StartWorker();
  auto session = Greet();
  coordinator_.SetCorpus(corpus_, "damaged on the way");
  v1::CoordinatorMessage lease = LeaseOf("job");
  session->Send(lease);
  auto failed = session->Take(Kind::kJobFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->job_failed().error().reason(), "CORPUS_CORRUPT");
  coordinator_.AddCorpus(TokenCorpus(8, 112));
  lease.mutable_lease()->mutable_id()->set_epoch(2);
  session->Send(lease);
  EXPECT_EQ(session->TakeResult().measured_size(), 4);
  EXPECT_EQ(coordinator_.corpus_reads(), 2);
}

}  // namespace
}  // namespace ondelette::agent
