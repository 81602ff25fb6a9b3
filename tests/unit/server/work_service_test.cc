// Workers over real streams to a coordinator in this process.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <thread>

#include "server/plan/retry_policy.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

using testing::HasSubstr;

class WorkServiceTest : public testing::Test {
 protected:
  void Start(absl::Duration lease_time = absl::Seconds(30), int64_t max_bytes = 0) {
    coordinator_.reset();
    coordinator_ =
        std::make_unique<TestCoordinator>(folder_.File("store.db"), lease_time, max_bytes);
    v1::Corpus corpus;
    ASSERT_TRUE(coordinator_->Upload("corpus", CorpusText(8), corpus).ok());
  }
  v1::Sweep Create(const std::string& name, const std::vector<std::string>& revisions) {
    v1::Sweep sweep;
    grpc::Status status = coordinator_->Create(name, revisions, 2, sweep);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return sweep;
  }

  TempFolder folder_;
  std::unique_ptr<TestCoordinator> coordinator_;
};

TEST_F(WorkServiceTest, ASweepFromResolutionToItsEnd) {
  Start();
  ScriptedWorker worker(coordinator_->channel(), "w");
  EXPECT_EQ(worker.Hello().lease_time().seconds(), 30);
  worker.Ask(2);  // remembered until there are jobs
  const v1::Sweep sweep = Create("s", {"a", "b", "missing"});
  std::deque<v1::Lease> leases = {worker.NextLease(), worker.NextLease()};
  for (int job = 0; job < 8; ++job) {
    if (leases.empty()) {
      worker.Ask(1);
      leases.push_back(worker.NextLease());
    }
    const v1::Acknowledgement acknowledgement = worker.Succeed(leases.front());
    EXPECT_TRUE(acknowledgement.committed()) << acknowledgement.reason();
    leases.pop_front();
  }
  const v1::Sweep ended = coordinator_->Ended(sweep.id());
  EXPECT_EQ(ended.state(), v1::SWEEP_STATE_FAILED) << "one revision is missing";
  EXPECT_EQ(ended.jobs().succeeded(), 8);
  EXPECT_EQ(ended.checkpoints(2).state(), v1::CHECKPOINT_STATE_FAILED);
}

TEST_F(WorkServiceTest, AStreamThatDoesNotSayHelloIsClosed) {
  Start();
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Ask(1);
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkServiceTest, MalformedMessagesHurtTheirStreamAlone) {
  Start();
  const v1::Sweep sweep = Create("s", {"a"});
  ScriptedWorker good(coordinator_->channel(), "good");
  good.Hello();
  good.Ask(1);
  const v1::Lease lease = good.NextLease();
  auto closes = [&](auto make) {
    ScriptedWorker bad(coordinator_->channel(), "bad");
    bad.Hello();
    bad.Send(make());
    EXPECT_EQ(bad.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << make().ShortDebugString();
  };
  closes([] {
    v1::WorkerMessage message;
    message.mutable_work_request()->set_leases(-1);
    return message;
  });
  closes([] {
    v1::WorkerMessage message;
    message.mutable_work_request()->set_leases(1000000);
    return message;
  });
  closes([] {
    v1::WorkerMessage message;
    message.mutable_hello()->set_worker_id("again");
    return message;
  });
  closes([] { return v1::WorkerMessage(); });
  closes([] {
    v1::WorkerMessage message;
    for (int i = 0; i < 10000; ++i) message.mutable_heartbeat()->add_leases();
    return message;
  });
  EXPECT_TRUE(good.Succeed(lease).committed());
}

TEST_F(WorkServiceTest, RecordsThatDoNotFitAreRefusedAndCountAnAttempt) {
  Start();
  const v1::Sweep sweep = Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  worker.Ask(1);
  const v1::Lease lease = worker.NextLease();
  std::string records;
  v1::WorkerMessage message;
  *message.mutable_job_succeeded() = SuccessOf(lease, records);  // and no record was sent
  worker.Send(message);
  const grpc::Status status = worker.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr(lease.id().job()));
  grpc::ClientContext context;
  v1::ListJobsRequest request;
  request.set_sweep(sweep.id());
  v1::ListJobsResponse jobs;
  ASSERT_TRUE(coordinator_->sweeps().ListJobs(&context, request, &jobs).ok());
  EXPECT_EQ(jobs.jobs(0).attempts(), 1);
  EXPECT_EQ(jobs.jobs(0).state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(jobs.jobs(0).error().reason(), "RECORDS_INVALID");
}

TEST_F(WorkServiceTest, PiecesOutOfOrderCloseTheStream) {
  Start();
  Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  worker.Ask(1);
  v1::WorkerMessage message;
  *message.mutable_record_block()->mutable_lease() = worker.NextLease().id();
  message.mutable_record_block()->set_offset(100);
  message.mutable_record_block()->set_data("abcd");
  worker.Send(message);
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkServiceTest, ASilentWorkerLosesItsLeasesToAnother) {
  Start(absl::Milliseconds(300));
  Create("s", {"a"});
  ScriptedWorker silent(coordinator_->channel(), "silent");
  silent.Hello();
  silent.Ask(4);
  const v1::Lease lost = silent.NextLease();
  // Another comes when the lease time is over; its own heartbeats keep what it has.
  absl::SleepFor(absl::Milliseconds(600));
  ScriptedWorker other(coordinator_->channel(), "other");
  other.Hello();
  other.Ask(1);
  const v1::Lease regranted = other.NextLease();
  EXPECT_EQ(regranted.id().job(), lost.id().job());
  EXPECT_GT(regranted.id().epoch(), lost.id().epoch());
  for (int beat = 0; beat < 8; ++beat) {
    other.Heartbeat({regranted.id()});
    absl::SleepFor(absl::Milliseconds(100));
  }
  // The silent one comes back with the old epoch: not kept, not committed.
  ScriptedWorker back(coordinator_->channel(), "silent");
  EXPECT_EQ(back.Hello({lost.id()}).kept_size(), 0);
  const v1::Acknowledgement refused = back.Succeed(lost);
  EXPECT_FALSE(refused.committed());
  EXPECT_EQ(refused.reason(), "lease lost");
  EXPECT_TRUE(other.Succeed(regranted).committed());
}

TEST_F(WorkServiceTest, LeasesOutliveTheStreamAndTheCoordinator) {
  Start();
  Create("s", {"a"});
  v1::Lease lease;
  {
    ScriptedWorker worker(coordinator_->channel(), "w");
    worker.Hello();
    worker.Ask(2);
    lease = worker.NextLease();
    worker.NextLease();
  }
  {
    // One of the two got lost on the way: it goes back at once.
    ScriptedWorker worker(coordinator_->channel(), "w");
    const v1::Welcome welcome = worker.Hello({lease.id()});
    ASSERT_EQ(welcome.kept_size(), 1);
    EXPECT_EQ(welcome.kept(0).job(), lease.id().job());
  }
  EXPECT_EQ(coordinator_->Get("s").jobs().leased(), 1);
  Start();
  ScriptedWorker worker(coordinator_->channel(), "w");
  EXPECT_EQ(worker.Hello({lease.id()}).kept_size(), 1);
  EXPECT_TRUE(worker.Succeed(lease).committed());
}

TEST_F(WorkServiceTest, CancelRevokesAndNothingCommitsAfterwards) {
  Start();
  const v1::Sweep sweep = Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  worker.Ask(1);
  const v1::Lease lease = worker.NextLease();
  grpc::ClientContext context;
  v1::CancelSweepRequest request;
  request.set_sweep(sweep.id());
  v1::Sweep cancelled;
  ASSERT_TRUE(coordinator_->sweeps().CancelSweep(&context, request, &cancelled).ok());
  EXPECT_EQ(cancelled.state(), v1::SWEEP_STATE_CANCELLED);
  EXPECT_EQ(worker.Next().lease_revoked().lease().job(), lease.id().job());
  const v1::Acknowledgement refused = worker.Succeed(lease);
  EXPECT_FALSE(refused.committed());
  EXPECT_EQ(refused.reason(), "sweep cancelled");
  EXPECT_EQ(coordinator_->Get("s").jobs().succeeded(), 0);
}

TEST_F(WorkServiceTest, FailuresAreRecordedAndRetried) {
  Start();
  Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  for (int job = 0; job < 4; ++job) {
    worker.Ask(1);
    worker.Fail(worker.NextLease(),
                MakeTestError(v1::ERROR_CLASS_DETERMINISTIC, "tensor gpt_neox.embed_in: NaN"));
  }
  EXPECT_EQ(coordinator_->Ended("s").jobs().failed(), 4);
  grpc::ClientContext context;
  v1::RetryFailedJobsRequest request;
  request.set_sweep("s");
  v1::RetryFailedJobsResponse response;
  ASSERT_TRUE(coordinator_->sweeps().RetryFailedJobs(&context, request, &response).ok());
  EXPECT_EQ(response.jobs(), 4);
  for (int job = 0; job < 4; ++job) {
    worker.Ask(1);
    EXPECT_TRUE(worker.Succeed(worker.NextLease()).committed());
  }
  EXPECT_EQ(coordinator_->Ended("s").state(), v1::SWEEP_STATE_SUCCEEDED);
}

// An engine that was killed while it computed controls once left the spec without them for good.
TEST_F(WorkServiceTest, ControlsThatWentWrongAreGivenOutAgainAfterTheSweepToo) {
  Start();
  const v1::Sweep sweep = Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.controls_errors = {MakeTestError(v1::ERROR_CLASS_ENGINE_DEATH)};
  worker.Hello();
  for (int job = 0; job < 4; ++job) {
    worker.Ask(1);
    EXPECT_TRUE(worker.Succeed(worker.NextLease()).committed());
  }
  EXPECT_EQ(coordinator_->Ended(sweep.id()).state(), v1::SWEEP_STATE_SUCCEEDED);
  std::thread reader([&] {
    v1::CoordinatorMessage message;
    worker.Read(message);
  });
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (worker.controls_answered < 2 && absl::Now() < deadline)
    absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(worker.controls_answered, 2);
  v1::LeaseId lost;
  lost.set_job("none");
  worker.Heartbeat({lost});  // the answer ends the reading
  reader.join();
}

TEST_F(WorkServiceTest, TwoWorkersGetCheckpointsOfTheirOwn) {
  Start();
  v1::Corpus corpus;  // with enough to do that nobody need share
  ASSERT_TRUE(coordinator_->Upload("corpus", CorpusText(80), corpus).ok());
  Create("s", {"a", "b", "c", "d"});
  ScriptedWorker first(coordinator_->channel(), "first");
  first.Hello();
  first.Ask(1);
  const v1::Lease one = first.NextLease();
  v1::Lease two = one;
  // Until it has answered its tasks, and all checkpoints are known.
  for (int job = 0; job < 20 && coordinator_->Get("s").jobs().total() < 4 * 40; ++job) {
    first.Succeed(two);
    first.Ask(1, one.checkpoint_digest());
    two = first.NextLease();
    EXPECT_EQ(two.revision(), one.revision()) << "it stays where it is";
  }
  ScriptedWorker second(coordinator_->channel(), "second");
  second.Hello();
  second.Ask(1);
  EXPECT_NE(second.NextLease().revision(), one.revision());
}

TEST_F(WorkServiceTest, AFullDiskEndsTheStreamAndTheResultCommitsLater) {
  Start();
  v1::Corpus corpus;
  ASSERT_TRUE(coordinator_->Upload("corpus", CorpusText(300), corpus).ok());
  v1::Sweep sweep;
  ASSERT_TRUE(coordinator_->Create("s", {"a"}, 1, sweep).ok());
  {
    ScriptedWorker worker(coordinator_->channel(), "w");
    worker.Hello();
    worker.Ask(1);
    worker.Succeed(worker.NextLease());
  }
  coordinator_.reset();
  const auto size = static_cast<int64_t>(std::filesystem::file_size(folder_.File("store.db")));
  coordinator_ = std::make_unique<TestCoordinator>(folder_.File("store.db"), absl::Seconds(30),
                                                   size + (100 << 10));
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  v1::Lease lease;
  int acknowledged = 1;
  while (acknowledged < 300) {
    worker.Ask(1);
    v1::CoordinatorMessage message;
    // Where the disk is too full even for a lease, none comes.
    lease = worker.NextLease();
    worker.SendResult(lease);
    if (!worker.Read(message)) break;
    ASSERT_TRUE(message.acknowledgement().committed());
    ++acknowledged;
  }
  EXPECT_LT(acknowledged, 300);
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(coordinator_->Get("s").jobs().succeeded(), acknowledged) << "it lives, and has no more";
  Start();
  ScriptedWorker again(coordinator_->channel(), "w");
  ASSERT_EQ(again.Hello({lease.id()}).kept_size(), 1);
  EXPECT_TRUE(again.Succeed(lease).committed());
}

TEST_F(WorkServiceTest, AggregatesAreThereWhenACheckpointIsComplete) {
  Start();
  Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  for (int job = 0; job < 4; ++job) {
    worker.Ask(1);
    EXPECT_TRUE(worker.Succeed(worker.NextLease()).committed());
  }
  const v1::Sweep sweep = coordinator_->Ended("s");
  absl::SleepFor(absl::Milliseconds(300));
  coordinator_.reset();
  auto store = OpenSqliteStore({folder_.File("store.db")});
  ASSERT_TRUE(store.ok());
  auto blob = (*store)->GetAggregates(
      {"digest-a", sweep.corpus_digest(), sweep.spec().digest(), sweep.sequences()});
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_TRUE(blob->has_value());
}

TEST_F(WorkServiceTest, WorkersAreListed) {
  Start();
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  grpc::ClientContext context;
  v1::ListWorkersResponse response;
  ASSERT_TRUE(coordinator_->sweeps().ListWorkers(&context, {}, &response).ok());
  ASSERT_EQ(response.workers_size(), 1);
  EXPECT_EQ(response.workers(0).id(), "w");
  EXPECT_TRUE(response.workers(0).connected());
}

TEST_F(WorkServiceTest, DrainTellsWorkersAndTakesWhatTheyStillSend) {
  Start();
  Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  worker.Ask(1);
  const v1::Lease lease = worker.NextLease();
  std::thread drain([this] { coordinator_->coordinator().Drain(); });
  EXPECT_TRUE(worker.Next().has_drain());
  EXPECT_TRUE(worker.Succeed(lease).committed());
  worker.Cut();
  drain.join();
}

TEST_F(WorkServiceTest, AResultSentTwiceIsCommittedOnce) {
  Start();
  Create("s", {"a"});
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  worker.Ask(2);
  const v1::Lease lease = worker.NextLease();
  const v1::Lease other = worker.NextLease();
  // The more workers there are the longer messages are gathered: so these come in one round.
  std::deque<ScriptedWorker> crowd;
  for (int i = 0; i < 120; ++i)
    crowd.emplace_back(coordinator_->channel(), "idle" + std::to_string(i)).Hello();
  worker.SendResult(lease);
  std::string records;  // not sent again: alone, this would be a result that does not fit
  v1::WorkerMessage twice;
  *twice.mutable_job_succeeded() = SuccessOf(lease, records);
  worker.Send(twice);
  worker.SendResult(other);
  EXPECT_TRUE(worker.Next().acknowledgement().committed());
  const v1::Acknowledgement again = worker.Next().acknowledgement();
  EXPECT_FALSE(again.committed());
  EXPECT_EQ(again.reason(), "already committed");
  EXPECT_EQ(again.lease().job(), lease.id().job());
  EXPECT_TRUE(worker.Next().acknowledgement().committed());
  EXPECT_EQ(coordinator_->Get("s").jobs().succeeded(), 2);
}

// Not a test of right and wrong but of the floor: what a laptop's disk allows is far above what
// workers need.
TEST_F(WorkServiceTest, CommitsPerSecond) {
  Start();
  v1::Corpus corpus;
  ASSERT_TRUE(coordinator_->Upload("corpus", CorpusText(400), corpus).ok());
  v1::Sweep sweep;
  ASSERT_TRUE(coordinator_->Create("many", {"a"}, 1, sweep).ok());
  ScriptedWorker worker(coordinator_->channel(), "w");
  worker.Hello();
  const absl::Time start = absl::Now();
  for (int job = 0; job < 400; ++job) {
    worker.Ask(1);
    ASSERT_TRUE(worker.Succeed(worker.NextLease()).committed());
  }
  const double rate = 400 / absl::ToDoubleSeconds(absl::Now() - start);
  RecordProperty("grant_and_commit_per_second", static_cast<int>(rate));
  std::cerr << "grants and commits a second, one worker: " << rate << "\n";
  EXPECT_EQ(coordinator_->Ended("many").state(), v1::SWEEP_STATE_SUCCEEDED);
}

}  // namespace
}  // namespace ondelette::server
