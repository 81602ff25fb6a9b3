// Thousands of random operations on a real store, against a model of the queue in this file.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "server/plan/retry_policy.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

// What must hold whatever happens: at most one commit a key, none under a stale epoch, none of a
// cancelled sweep, and counts that add up.
class Model : public testing::TestWithParam<int> {
 protected:
  Model() : random_(GetParam()) {
    store_ = *OpenSqliteStore({folder_.File("store.db")});
    AddCorpus(*store_, 6);
  }

  int Pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void Create() {
    if (sweeps_.size() >= 6) return;
    // Digests repeat within and between sweeps: aliases and shared keys.
    const std::string name = "sweep" + std::to_string(sweeps_.size());
    auto sweep = store_->CreateSweep(MakeSweep(*store_, name, {"a", "b", "c"}), now_);
    ASSERT_TRUE(sweep.ok()) << sweep.status();
    sweeps_.push_back(sweep->id);
  }

  void Resolve() {
    auto unresolved = *store_->UnresolvedCheckpoints(10, now_);
    if (unresolved.empty()) return;
    const StoredCheckpoint checkpoint = unresolved[Pick(static_cast<int>(unresolved.size()))];
    if (Pick(10) == 0) {
      ASSERT_TRUE(store_
                      ->FailCheckpoint(checkpoint.id,
                                       MakeTestError(Pick(2) == 0 ? v1::ERROR_CLASS_TRANSIENT
                                                                  : v1::ERROR_CLASS_DETERMINISTIC),
                                       now_)
                      .ok());
      return;
    }
    ASSERT_TRUE(store_
                    ->ResolveCheckpoint(checkpoint.id,
                                        ResolutionOf("digest" + std::to_string(Pick(4))), now_)
                    .ok());
  }

  void Grant() {
    auto leases =
        store_->GrantLeases("w" + std::to_string(Pick(3)), {"digest1"}, 1 + Pick(3), now_);
    ASSERT_TRUE(leases.ok()) << leases.status();
    for (const GrantedLease& lease : *leases) {
      EXPECT_FALSE(committed_.count(lease.key.job)) << "granted after its commit";
      EXPECT_GT(lease.key.epoch, last_epoch_);
      last_epoch_ = lease.key.epoch;
      current_[lease.key.job] = lease.key.epoch;
      ever_.push_back(lease);
    }
  }

  void Commit() {
    if (ever_.empty()) return;
    const GrantedLease& lease = ever_[Pick(static_cast<int>(ever_.size()))];
    auto outcome = store_->CommitJob(lease.key, ResultOf(lease), now_);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    const auto current = current_.find(lease.key.job);
    const bool holds = current != current_.end() && current->second == lease.key.epoch;
    EXPECT_EQ(outcome->committed, holds) << outcome->reason;
    if (!outcome->committed) return;
    EXPECT_TRUE(committed_.insert(lease.key.job).second) << "committed twice";
    current_.erase(lease.key.job);
  }

  void Fail() {
    if (ever_.empty()) return;
    const GrantedLease& lease = ever_[Pick(static_cast<int>(ever_.size()))];
    const auto current = current_.find(lease.key.job);
    const bool holds = current != current_.end() && current->second == lease.key.epoch;
    const int kind = Pick(5);
    if (kind == 4) {
      ASSERT_TRUE(store_->ReturnLeases({lease.key}, now_).ok());
    } else {
      const v1::ErrorClass classes[] = {v1::ERROR_CLASS_DETERMINISTIC, v1::ERROR_CLASS_TRANSIENT,
                                        v1::ERROR_CLASS_INFRASTRUCTURE,
                                        v1::ERROR_CLASS_ENGINE_DEATH};
      auto known = store_->FailJob(lease.key, MakeTestError(classes[kind]), now_);
      ASSERT_TRUE(known.ok()) << known.status();
      EXPECT_EQ(*known, holds);
    }
    if (holds) current_.erase(lease.key.job);
  }

  void Cancel() {
    if (sweeps_.empty() || Pick(6) != 0) return;
    auto revoked = store_->CancelSweep(sweeps_[Pick(static_cast<int>(sweeps_.size()))], now_);
    if (!revoked.ok()) return;
    for (const GrantedLease& lease : *revoked) current_.erase(lease.key.job);
  }

  void Retry() {
    if (!sweeps_.empty())
      (void)store_->RetryFailed(sweeps_[Pick(static_cast<int>(sweeps_.size()))], now_);
  }

  void Check() {
    std::map<std::string, uint64_t> leased;
    const auto all = store_->Leases();
    for (const GrantedLease& lease : *all) leased[lease.key.job] = lease.key.epoch;
    ASSERT_EQ(leased, current_);
    for (const std::string& id : sweeps_) {
      ExpectCountsAddUp(*store_, id);
      const StoredSweep sweep = *store_->FindSweep(id);
      const auto checkpoints = *store_->Checkpoints(id);
      bool open = sweep.jobs.queued + sweep.jobs.leased > 0;
      bool failed = sweep.jobs.failed > 0;
      std::map<std::string, int64_t> owners;
      for (const StoredCheckpoint& checkpoint : checkpoints) {
        open = open || checkpoint.state == v1::CHECKPOINT_STATE_UNRESOLVED;
        failed = failed || checkpoint.state == v1::CHECKPOINT_STATE_FAILED;
        if (checkpoint.state == v1::CHECKPOINT_STATE_RESOLVED) {
          EXPECT_TRUE(owners.emplace(checkpoint.digest, checkpoint.id).second);
        }
        if (checkpoint.state == v1::CHECKPOINT_STATE_ALIASED) {
          EXPECT_EQ(owners[checkpoint.digest], checkpoint.alias_of) << "the owner stands earlier";
        }
      }
      if (sweep.state == v1::SWEEP_STATE_CANCELLED) {
        EXPECT_FALSE(open);
        auto [before, is_new] = final_.emplace(id, sweep.jobs.succeeded);
        EXPECT_EQ(before->second, sweep.jobs.succeeded) << "committed after its cancel";
      } else {
        EXPECT_EQ(sweep.state, open     ? v1::SWEEP_STATE_RUNNING
                               : failed ? v1::SWEEP_STATE_FAILED
                                        : v1::SWEEP_STATE_SUCCEEDED);
      }
    }
  }

  TempFolder folder_;
  std::mt19937 random_;
  std::unique_ptr<Store> store_;
  absl::Time now_ = absl::FromUnixSeconds(1000000);
  std::vector<std::string> sweeps_;
  std::vector<GrantedLease> ever_;           // every lease that was granted
  std::map<std::string, uint64_t> current_;  // the epoch under which a job may commit
  std::set<std::string> committed_;
  std::map<std::string, int64_t> final_;  // successes of cancelled sweeps
  uint64_t last_epoch_ = 0;
};

TEST_P(Model, Holds) {
  for (int step = 0; step < 1500; ++step) {
    switch (Pick(8)) {
      case 0:
        Create();
        break;
      case 1:
        Resolve();
        break;
      case 2:
      case 3:
        Grant();
        break;
      case 4:
      case 5:
        Commit();
        break;
      case 6:
        Fail();
        break;
      default:
        Pick(2) == 0 ? Cancel() : Retry();
    }
    now_ += absl::Milliseconds(Pick(3000));
    if (step % 10 == 0) Check();
    if (step % 500 == 250) {  // as a coordinator that was killed and started again
      store_.reset();
      store_ = *OpenSqliteStore({folder_.File("store.db")});
    }
    ASSERT_FALSE(HasFailure()) << "at step " << step;
  }
  Check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Model, testing::Range(1, 7));

}  // namespace
}  // namespace ondelette::server
