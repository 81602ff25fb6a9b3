// The queue's transitions on real SQLite files.
#include "server/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "common/errors/errors.h"
#include "server/plan/retry_policy.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    Open();
    AddCorpus(*store_, 8);
  }

  void Open(int64_t max_bytes = 0) {
    auto store = OpenSqliteStore({folder_.File("store.db"), max_bytes});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    store_->SetListener([this](const StoreNotice& notice) {
      completed_.insert(completed_.end(), notice.completed.begin(), notice.completed.end());
    });
  }

  // A sweep whose checkpoints are resolved, each to a digest of its revision.
  StoredSweep Resolved(const std::string& name, const std::vector<std::string>& revisions) {
    auto sweep = store_->CreateSweep(MakeSweep(*store_, name, revisions), now_);
    EXPECT_TRUE(sweep.ok()) << sweep.status();
    const auto checkpoints = store_->Checkpoints(sweep->id);
    for (const StoredCheckpoint& checkpoint : *checkpoints) {
      EXPECT_TRUE(store_
                      ->ResolveCheckpoint(checkpoint.id,
                                          ResolutionOf("digest-" + checkpoint.revision), now_)
                      .ok());
    }
    return *sweep;
  }

  std::vector<GrantedLease> Grant(int most, const std::string& worker = "w") {
    auto leases = store_->GrantLeases(worker, {}, most, now_);
    EXPECT_TRUE(leases.ok()) << leases.status();
    return *leases;
  }

  CommitOutcome Commit(const GrantedLease& lease) {
    auto outcome = store_->CommitJob(lease.key, ResultOf(lease), now_);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *outcome;
  }

  StoredSweep Sweep(const std::string& id) { return *store_->FindSweep(id); }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
  std::vector<int64_t> completed_;
  absl::Time now_ = absl::FromUnixSeconds(1000000);
};

TEST_F(StoreTest, ARequestIdMakesOneSweep) {
  const NewSweep sweep = MakeSweep(*store_, "s", {"a", "b"});
  auto first = store_->CreateSweep(sweep, now_);
  auto second = store_->CreateSweep(sweep, now_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(store_->ListSweeps(10, "")->items.size(), 1U);
  NewSweep other = MakeSweep(*store_, "s", {"a"});
  EXPECT_EQ(ErrorReason(store_->CreateSweep(other, now_).status()), "REQUEST_ID_REUSED");
}

TEST_F(StoreTest, RunsToItsEndAndCompletesCheckpoints) {
  const StoredSweep sweep = Resolved("s", {"a", "b"});
  EXPECT_EQ(Sweep(sweep.id).jobs.total, 8);
  for (const GrantedLease& lease : Grant(100)) {
    EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_RUNNING);
    EXPECT_TRUE(Commit(lease).committed);
    ExpectCountsAddUp(*store_, sweep.id);
  }
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_NE(Sweep(sweep.id).end_time, absl::InfiniteFuture());
  EXPECT_EQ(completed_.size(), 2U);
  const StoredCheckpoint checkpoint = store_->Checkpoints(sweep.id)->front();
  EXPECT_EQ(checkpoint.layers, kLayers);
  EXPECT_EQ(checkpoint.architecture, "gpt_neox");
}

TEST_F(StoreTest, RecordsComeBackInSequenceOrderInPages) {
  const StoredSweep sweep = Resolved("s", {"a"});
  std::vector<GrantedLease> leases = Grant(100);
  std::reverse(leases.begin(), leases.end());
  for (const GrantedLease& lease : leases) Commit(lease);
  const int64_t checkpoint = store_->Checkpoints(sweep.id)->front().id;
  std::vector<std::string> ids;
  for (int64_t next = 0;;) {
    auto page = store_->Records(checkpoint, next, 1);
    ASSERT_TRUE(page.ok()) << page.status();
    if (page->empty()) break;
    ASSERT_EQ(page->size(), 1U);
    ids.push_back(page->front().sequence_id);
    EXPECT_EQ(page->front().data.size(), kLayers * kHeads * TestColumns() * sizeof(float));
    next = page->front().sequence + 1;
  }
  EXPECT_THAT(ids, ElementsAre("s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"));
  EXPECT_EQ(store_->Records(checkpoint, 0, 1 << 30)->size(), 8U);
  const auto provenance = store_->Provenance(checkpoint);
  ASSERT_EQ(provenance->size(), leases.size());
  for (size_t i = 0; i < leases.size(); ++i)
    EXPECT_EQ((*provenance)[i].job, leases[leases.size() - 1 - i].key.job);
}

TEST_F(StoreTest, AStaleEpochNeverCommits) {
  Resolved("s", {"a"});
  const GrantedLease old = Grant(1).front();
  ASSERT_TRUE(*store_->FailJob(old.key, LostWorkerError("w"), now_));
  const GrantedLease next = Grant(1, "other").front();
  ASSERT_EQ(next.key.job, old.key.job);
  EXPECT_GT(next.key.epoch, old.key.epoch);
  EXPECT_EQ(Commit(old).reason, "lease lost");
  EXPECT_FALSE(*store_->FailJob(old.key, MakeTestError(v1::ERROR_CLASS_DETERMINISTIC), now_));
  EXPECT_TRUE(Commit(next).committed);
  EXPECT_EQ(Commit(next).reason, "already committed");
  EXPECT_EQ(Commit(old).reason, "already committed");
}

TEST_F(StoreTest, CancelIsFinal) {
  const StoredSweep sweep = Resolved("s", {"a", "b"});
  const std::vector<GrantedLease> leases = Grant(3);
  Commit(leases[0]);
  auto revoked = store_->CancelSweep(sweep.id, now_);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->size(), 2U);
  EXPECT_EQ(Commit(leases[1]).reason, "sweep cancelled");
  EXPECT_TRUE(Grant(10).empty());
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_CANCELLED);
  EXPECT_EQ(Sweep(sweep.id).jobs.succeeded, 1);
  EXPECT_EQ(Sweep(sweep.id).jobs.cancelled, 7);
  ExpectCountsAddUp(*store_, sweep.id);
  EXPECT_TRUE(store_->CancelSweep(sweep.id, now_).ok());
  EXPECT_EQ(ErrorReason(store_->RetryFailed(sweep.id, now_).status()), "SWEEP_CANCELLED");
}

TEST_F(StoreTest, AliasesDoNotDependOnTheOrderOfResolution) {
  // b and d are a's weights, c is its own.
  const std::vector<std::string> revisions = {"a", "b", "c", "d"};
  const std::map<std::string, std::string> digests = {
      {"a", "x"}, {"b", "x"}, {"c", "y"}, {"d", "x"}};
  std::vector<int> order = {0, 1, 2, 3};
  int run = 0;
  do {
    auto sweep =
        store_->CreateSweep(MakeSweep(*store_, "s" + std::to_string(run++), revisions), now_);
    for (int index : order) {
      const StoredCheckpoint checkpoint = (*store_->Checkpoints(sweep->id))[index];
      ASSERT_TRUE(store_
                      ->ResolveCheckpoint(
                          checkpoint.id,
                          ResolutionOf(digests.at(checkpoint.revision) + std::to_string(run)), now_)
                      .ok());
      // Leases and commits in between must move with the jobs.
      for (const GrantedLease& lease : Grant(1)) Commit(lease);
      Grant(1);
      ExpectCountsAddUp(*store_, sweep->id);
    }
    auto checkpoints = *store_->Checkpoints(sweep->id);
    EXPECT_EQ(checkpoints[0].state, v1::CHECKPOINT_STATE_RESOLVED);
    EXPECT_EQ(checkpoints[0].jobs.total, 4);
    EXPECT_EQ(checkpoints[2].jobs.total, 4);
    for (int alias : {1, 3}) {
      EXPECT_EQ(checkpoints[alias].state, v1::CHECKPOINT_STATE_ALIASED);
      EXPECT_EQ(checkpoints[alias].alias_of, checkpoints[0].id);
      EXPECT_EQ(checkpoints[alias].jobs.total, 0);
      EXPECT_EQ(checkpoints[alias].layers, 0);
    }
    EXPECT_EQ(checkpoints[0].layers + checkpoints[2].layers > 0, true);
    const auto held = store_->Leases();
    for (const GrantedLease& lease : *held) Commit(lease);
    while (true) {
      const std::vector<GrantedLease> rest = Grant(100);
      if (rest.empty()) break;
      for (const GrantedLease& lease : rest) Commit(lease);
    }
    EXPECT_EQ(Sweep(sweep->id).state, v1::SWEEP_STATE_SUCCEEDED);
    EXPECT_EQ(store_->Records(checkpoints[0].id, 0, 1 << 30)->size(), 8U);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(StoreTest, ResultsAreUsedAgain) {
  const StoredSweep first = Resolved("first", {"a"});
  const std::vector<GrantedLease> leases = Grant(3);
  for (const GrantedLease& lease : leases) Commit(lease);
  const StoredSweep second = Resolved("second", {"other-name", "a"});
  EXPECT_EQ(Sweep(second.id).jobs.succeeded, 3);
  EXPECT_EQ((*store_->Checkpoints(second.id))[1].layers, kLayers);
  // The last job is wanted by both: computed once.
  const std::vector<GrantedLease> rest = Grant(100);
  EXPECT_EQ(rest.size(), 5U);
  for (const GrantedLease& lease : rest) EXPECT_TRUE(Commit(lease).committed);
  EXPECT_EQ(Sweep(first.id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(Sweep(second.id).state, v1::SWEEP_STATE_SUCCEEDED);
  // A third has nothing left to do, and ends when it is resolved.
  completed_.clear();
  const StoredSweep third = Resolved("third", {"a"});
  EXPECT_EQ(Sweep(third.id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(completed_.size(), 1U);
}

TEST_F(StoreTest, ASharedLeaseOutlivesTheCancelOfOneSweep) {
  const StoredSweep first = Resolved("first", {"a"});
  const std::vector<GrantedLease> leases = Grant(2);
  const StoredSweep second = Resolved("second", {"a"});
  EXPECT_EQ(Sweep(second.id).jobs.leased, 2) << "joins the leases of the first";
  EXPECT_EQ(store_->Leases()->size(), 2U);
  auto revoked = store_->CancelSweep(first.id, now_);
  ASSERT_TRUE(revoked.ok());
  EXPECT_TRUE(revoked->empty());
  EXPECT_TRUE(Commit(leases[0]).committed);
  EXPECT_EQ(Sweep(first.id).jobs.succeeded, 0) << "cancel is final";
  EXPECT_EQ(Sweep(second.id).jobs.succeeded, 1);
}

TEST_F(StoreTest, FailsAndRetries) {
  const StoredSweep sweep = Resolved("s", {"a", "b"});
  auto checkpoints = *store_->Checkpoints(sweep.id);
  for (const GrantedLease& lease : Grant(100)) {
    if (lease.revision == "a" && lease.first_sequence == 2) {
      EXPECT_TRUE(*store_->FailJob(
          lease.key, MakeTestError(v1::ERROR_CLASS_DETERMINISTIC, "NaN in embed"), now_));
    } else {
      Commit(lease);
    }
  }
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_FAILED);
  auto failed = store_->ListJobs(sweep.id, v1::JOB_STATE_FAILED, 10, "");
  ASSERT_EQ(failed->items.size(), 1U);
  EXPECT_EQ(failed->items[0].error.message(), "NaN in embed");
  auto retry = store_->RetryFailed(sweep.id, now_);
  ASSERT_TRUE(retry.ok());
  EXPECT_EQ(retry->jobs, 1);
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_RUNNING);
  Commit(Grant(1).front());
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(store_->RetryFailed(sweep.id, now_)->jobs, 0);
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_SUCCEEDED);
}

TEST_F(StoreTest, TransientErrorsWaitBeforeTheNextAttempt) {
  Resolved("s", {"a"});
  const GrantedLease lease = Grant(1).front();
  ASSERT_TRUE(*store_->FailJob(lease.key, MakeTestError(v1::ERROR_CLASS_TRANSIENT), now_));
  for (const GrantedLease& other : Grant(100)) EXPECT_NE(other.key.job, lease.key.job);
  now_ += kFirstBackOff;
  const std::vector<GrantedLease> again = Grant(100);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].key.job, lease.key.job);
}

TEST_F(StoreTest, AJobThatKillsEnginesIsQuarantined) {
  const StoredSweep sweep = Resolved("s", {"a"});
  for (int death = 0; death < kMostEngineDeaths; ++death) {
    const std::vector<GrantedLease> leases = Grant(1);
    ASSERT_EQ(leases.size(), 1U) << death;
    ASSERT_EQ(leases[0].first_sequence, 0);
    ASSERT_TRUE(*store_->FailJob(leases[0].key, MakeTestError(v1::ERROR_CLASS_ENGINE_DEATH), now_));
    now_ += kLongestBackOff;
  }
  auto failed = store_->ListJobs(sweep.id, v1::JOB_STATE_FAILED, 10, "");
  ASSERT_EQ(failed->items.size(), 1U);
  EXPECT_EQ(failed->items[0].error.reason(), "JOB_QUARANTINED");
  EXPECT_EQ(failed->items[0].engine_deaths, kMostEngineDeaths);
  EXPECT_EQ(failed->items[0].attempts, 0);
}

TEST_F(StoreTest, ACheckpointThatCannotBeResolvedFailsAlone) {
  auto sweep = store_->CreateSweep(MakeSweep(*store_, "s", {"a", "b"}), now_);
  auto checkpoints = *store_->Checkpoints(sweep->id);
  v1::Error missing;
  missing.set_code(static_cast<int>(absl::StatusCode::kNotFound));
  missing.set_message("no such revision");
  ASSERT_TRUE(store_->FailCheckpoint(checkpoints[0].id, missing, now_).ok());
  ASSERT_TRUE(store_->ResolveCheckpoint(checkpoints[1].id, ResolutionOf("b"), now_).ok());
  for (const GrantedLease& lease : Grant(100)) Commit(lease);
  EXPECT_EQ(Sweep(sweep->id).state, v1::SWEEP_STATE_FAILED);
  EXPECT_EQ((*store_->Checkpoints(sweep->id))[0].error.message(), "no such revision");
  EXPECT_EQ(store_->RetryFailed(sweep->id, now_)->checkpoints, 1);
  ASSERT_TRUE(store_->ResolveCheckpoint(checkpoints[0].id, ResolutionOf("b"), now_).ok());
  EXPECT_EQ(Sweep(sweep->id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ((*store_->Checkpoints(sweep->id))[1].alias_of, checkpoints[0].id);
}

TEST_F(StoreTest, ShapesOfOneCheckpointMustAgree) {
  Resolved("s", {"a"});
  const std::vector<GrantedLease> leases = Grant(2);
  Commit(leases[0]);
  JobResult wrong = ResultOf(leases[1]);
  wrong.layers = kLayers + 1;
  EXPECT_EQ(ErrorReason(store_->CommitJob(leases[1].key, wrong, now_).status()),
            "RECORDS_INCONSISTENT");
  EXPECT_TRUE(Commit(leases[1]).committed) << "nothing of the refused result stayed";
}

TEST_F(StoreTest, ShapesOfOneCheckpointMustAgreeBetweenSweepsToo) {
  Resolved("s", {"a"});
  Commit(Grant(100).front());
  // Of other sequences, so that no result is used again.
  const auto other = store_->CreateSweep(MakeSweep(*store_, "other", {"a"}, 4), now_);
  const int64_t checkpoint = store_->Checkpoints(other->id)->front().id;
  ASSERT_TRUE(store_->ResolveCheckpoint(checkpoint, ResolutionOf("digest-a"), now_).ok());
  const GrantedLease lease = Grant(1).front();
  JobResult wrong = ResultOf(lease);
  wrong.heads = kHeads + 1;
  EXPECT_EQ(ErrorReason(store_->CommitJob(lease.key, wrong, now_).status()),
            "RECORDS_INCONSISTENT");
  EXPECT_TRUE(Commit(lease).committed);
}

// As the jobs of one round come: each ends as it would alone.
TEST_F(StoreTest, JobsCommittedTogetherEndAsTheyWouldAlone) {
  const StoredSweep sweep = Resolved("s", {"a", "b"});
  const std::vector<GrantedLease> leases = Grant(6);
  Commit(leases[0]);
  ASSERT_TRUE(store_->ReturnLeases({leases[1].key}, now_).ok());
  const std::vector<JobCommit> together = {{leases[2].key, ResultOf(leases[2])},
                                           {leases[0].key, ResultOf(leases[0])},
                                           {leases[1].key, ResultOf(leases[1])},
                                           {leases[2].key, ResultOf(leases[2])},
                                           {leases[3].key, ResultOf(leases[3])}};
  const auto outcomes = store_->CommitJobs(together, now_);
  ASSERT_EQ(outcomes.size(), together.size());
  const std::vector<std::string> reasons = {"", "already committed", "lease lost",
                                            "already committed", ""};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].ok()) << outcomes[i].status();
    EXPECT_EQ(outcomes[i]->committed, reasons[i].empty());
    EXPECT_EQ(outcomes[i]->reason, reasons[i]);
  }
  EXPECT_EQ(Sweep(sweep.id).jobs.succeeded, 3);
  EXPECT_EQ(Sweep(sweep.id).jobs.leased, 2);
  ExpectCountsAddUp(*store_, sweep.id);
  const auto events = *store_->Events(sweep.id, 0, 1000);
  EXPECT_EQ(events.back().cursor(), Sweep(sweep.id).cursor);
  EXPECT_EQ(events.back().jobs().succeeded(), 3);
}

TEST_F(StoreTest, OneOfJobsCommittedTogetherFailsAlone) {
  const StoredSweep sweep = Resolved("s", {"a"});
  const std::vector<GrantedLease> leases = Grant(4);
  Commit(leases[0]);
  JobResult wrong = ResultOf(leases[2]);
  wrong.layers = kLayers + 1;
  const auto outcomes = store_->CommitJobs({{leases[1].key, ResultOf(leases[1])},
                                            {leases[2].key, wrong},
                                            {leases[3].key, ResultOf(leases[3])}},
                                           now_);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_TRUE(outcomes[0].ok() && outcomes[0]->committed);
  EXPECT_EQ(ErrorReason(outcomes[1].status()), "RECORDS_INCONSISTENT");
  EXPECT_TRUE(outcomes[2].ok() && outcomes[2]->committed);
  EXPECT_EQ(Sweep(sweep.id).jobs.succeeded, 3);
  EXPECT_TRUE(Commit(leases[2]).committed) << "nothing of the refused result stayed";
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(completed_.size(), 1U);
}

TEST_F(StoreTest, TheLogIsMovedWhileTransactionsGoOn) {
  AddCorpus(*store_, 8);
  const std::string bytes(200000, 'x');
  for (int i = 0; i < 800; ++i) {
    ASSERT_TRUE(store_->PutAggregates({"digest", "corpus", std::to_string(i), 1}, bytes).ok());
  }
  EXPECT_LT(std::filesystem::file_size(folder_.File("store.db-wal")), 120U << 20)
      << "160 MB were written";
}

TEST_F(StoreTest, EventsTellTheWholeStoryInOrder) {
  const StoredSweep sweep = Resolved("s", {"a"});
  for (const GrantedLease& lease : Grant(100)) Commit(lease);
  auto all = *store_->Events(sweep.id, 0, 1000);
  ASSERT_GE(all.size(), 7U);
  for (size_t i = 1; i < all.size(); ++i) {
    EXPECT_GT(all[i].cursor(), all[i - 1].cursor());
    EXPECT_GE(all[i].jobs().succeeded(), all[i - 1].jobs().succeeded());
  }
  EXPECT_EQ(all.back().state(), v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(all.back().cursor(), Sweep(sweep.id).cursor);
  auto rest = *store_->Events(sweep.id, all[2].cursor(), 2);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].cursor(), all[3].cursor());
  EXPECT_TRUE(store_->Events(sweep.id, ~uint64_t{0}, 10)->empty());
}

TEST_F(StoreTest, PagesOfJobsAndSweepsMeet) {
  const StoredSweep sweep = Resolved("s", {"a", "b"});
  Resolved("t", {"a"});
  std::vector<std::string> keys;
  std::string token;
  do {
    auto page = store_->ListJobs(sweep.id, v1::JOB_STATE_UNSPECIFIED, 3, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const StoredJob& job : page->items) keys.push_back(job.key);
    token = page->next;
  } while (!token.empty());
  EXPECT_EQ(keys.size(), 8U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 8U);
  auto sweeps = store_->ListSweeps(1, "");
  ASSERT_EQ(sweeps->items.size(), 1U);
  EXPECT_EQ(sweeps->items[0].name, "t");
  EXPECT_EQ(store_->ListSweeps(1, sweeps->next)->items[0].name, "s");
  EXPECT_EQ(ErrorReason(store_->ListSweeps(1, "x").status()), "PAGE_TOKEN_INVALID");
  EXPECT_EQ(
      ErrorReason(store_->ListJobs(sweep.id, v1::JOB_STATE_UNSPECIFIED, 1, "nonsense").status()),
      "PAGE_TOKEN_INVALID");
}

TEST_F(StoreTest, SweepsAreFoundByIdBeginningAndName) {
  const StoredSweep first = Resolved("same", {"a"});
  EXPECT_EQ(store_->FindSweep(first.id)->id, first.id);
  EXPECT_EQ(store_->FindSweep(first.id.substr(0, 6))->id, first.id);
  NewSweep second = MakeSweep(*store_, "another-request", {"a"});
  second.name = "same";
  ASSERT_TRUE(store_->CreateSweep(second, now_).ok());
  EXPECT_EQ(store_->FindSweep("same")->id, second.id);
  EXPECT_EQ(ErrorReason(store_->FindSweep("nobody").status()), "SWEEP_UNKNOWN");
  EXPECT_EQ(ErrorReason(store_->FindSweep("").status()), "SWEEP_UNKNOWN");
}

TEST_F(StoreTest, CorporaAreContentAddressed) {
  AddCorpus(*store_, 8, "second-name");
  AddCorpus(*store_, 9, "corpus");  // the name moves on
  EXPECT_EQ(store_->FindCorpus("corpus")->sequences, 9);
  const StoredCorpus second = *store_->FindCorpus("second-name");
  EXPECT_EQ(second.sequences, 8);
  EXPECT_EQ(store_->FindCorpus(second.digest)->digest, second.digest);
  EXPECT_EQ(store_->FindCorpus(second.digest.substr(0, 8))->digest, second.digest);
  EXPECT_EQ(*store_->ReadCorpus(second.digest, 0, 1 << 20), CorpusText(8));
  EXPECT_EQ(store_->ListCorpora(10, "")->items.size(), 2U);
  AddCorpus(*store_, 9, "second-name");
  EXPECT_EQ(store_->FindCorpus(second.digest)->digest, second.digest) << "nameless, but there";
  EXPECT_EQ(ErrorReason(store_->FindCorpus("nothing").status()), "CORPUS_UNKNOWN");
}

TEST_F(StoreTest, ControlsOnceASpec) {
  const StoredSweep sweep = Resolved("s", {"a"});
  ASSERT_EQ(store_->SpecsWithoutControls()->size(), 1U);
  EXPECT_EQ(ErrorReason(store_->GetControls(sweep.spec_digest).status()), "CONTROLS_PENDING");
  ASSERT_TRUE(
      store_->FailControls(sweep.spec_digest, MakeTestError(v1::ERROR_CLASS_TRANSIENT, "no GPU"))
          .ok());
  EXPECT_THAT(std::string(store_->GetControls(sweep.spec_digest).status().message()), "no GPU");
  EXPECT_TRUE(store_->SpecsWithoutControls()->empty());
  v1::Controls controls;
  controls.add_patterns()->set_name("uniform");
  ASSERT_TRUE(store_->PutControls(sweep.spec_digest, controls).ok());
  EXPECT_EQ(store_->GetControls(sweep.spec_digest)->patterns(0).name(), "uniform");
}

TEST_F(StoreTest, AggregatesByWhatDeterminesThem) {
  const AggregateKey key{"checkpoint", "corpus", "spec", 8};
  EXPECT_FALSE(store_->GetAggregates(key)->has_value());
  const std::string blob("a\0b", 3);
  ASSERT_TRUE(store_->PutAggregates(key, blob).ok());
  EXPECT_EQ(**store_->GetAggregates(key), blob);
  EXPECT_FALSE(store_->GetAggregates({"checkpoint", "corpus", "spec", 7})->has_value());
}

TEST_F(StoreTest, EverythingIsThereAfterReopening) {
  const StoredSweep sweep = Resolved("s", {"a"});
  const std::vector<GrantedLease> leases = Grant(2);
  Commit(leases[0]);
  store_.reset();
  Open();
  EXPECT_EQ(Sweep(sweep.id).jobs.succeeded, 1);
  ASSERT_EQ(store_->Leases()->size(), 1U);
  EXPECT_EQ(store_->Leases()->front().key, leases[1].key);
  EXPECT_TRUE(Commit(leases[1]).committed);
  EXPECT_GT(Grant(1).front().key.epoch, leases[1].key.epoch);
}

TEST_F(StoreTest, ASecondCoordinatorIsRefused) {
  auto second = OpenSqliteStore({folder_.File("store.db")});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ErrorReason(second.status()), "STORE_IN_USE");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(std::to_string(getpid())));
}

TEST_F(StoreTest, AFullDiskAcknowledgesNothingAndIsSurvived) {
  const StoredSweep sweep = Resolved("s", {"a", "b", "c", "d"});
  store_.reset();
  Open(500 << 10);
  std::vector<GrantedLease> leases = Grant(100);
  size_t committed = 0;
  absl::Status failure;
  for (const GrantedLease& lease : leases) {
    JobResult result = ResultOf(lease);
    const std::string once = result.records;
    while (result.records.size() < (40 << 10)) result.records += once;
    auto outcome = store_->CommitJob(lease.key, result, now_);
    if (!outcome.ok()) {
      failure = outcome.status();
      break;
    }
    ++committed;
  }
  ASSERT_EQ(failure.code(), absl::StatusCode::kUnavailable) << failure;
  EXPECT_EQ(ErrorReason(failure), "STORE_FULL");
  EXPECT_GT(committed, 0U);
  EXPECT_EQ(Sweep(sweep.id).jobs.succeeded, static_cast<int64_t>(committed));
  ExpectCountsAddUp(*store_, sweep.id);
  // With room again, it goes on, under the leases that hold.
  store_.reset();
  Open();
  for (size_t i = committed; i < leases.size(); ++i) EXPECT_TRUE(Commit(leases[i]).committed);
  EXPECT_EQ(Sweep(sweep.id).state, v1::SWEEP_STATE_SUCCEEDED);
}

}  // namespace
}  // namespace ondelette::server
