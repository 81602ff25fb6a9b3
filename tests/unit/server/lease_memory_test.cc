// What the store remembers of leases between rounds is what its file says, or is read again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <utility>

#include "server/plan/retry_policy.h"
#include "server/store/queue.h"
#include "server/store/sqlite_files.h"
#include "server/store/sqlite_store.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

class LeaseMemoryTest : public testing::Test {
 protected:
  LeaseMemoryTest() {
    auto store = OpenSqliteStore({folder_.File("store.db"), 0});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    AddCorpus(*store_, 8);
  }

  // A sweep whose checkpoints are resolved, each to a digest of its revision.
  void Resolved(const std::string& name, const std::vector<std::string>& revisions) {
    auto sweep = store_->CreateSweep(MakeSweep(*store_, name, revisions), now_);
    EXPECT_TRUE(sweep.ok()) << sweep.status();
    const auto checkpoints = store_->Checkpoints(sweep->id);
    for (const StoredCheckpoint& checkpoint : *checkpoints) {
      const Resolution resolution = ResolutionOf("digest-" + checkpoint.revision);
      EXPECT_TRUE(store_->ResolveCheckpoint(checkpoint.id, resolution, now_).ok());
    }
  }

  // The revision of the one lease that the worker gets, or "".
  std::string Grant(const std::string& worker, const std::vector<std::string>& held = {}) {
    auto leases = store_->GrantLeases(worker, held, 1, now_);
    EXPECT_TRUE(leases.ok()) << leases.status();
    if (leases->empty()) return "";
    last_ = leases->front();
    return last_.revision;
  }

  // Somebody works on the checkpoint that `last_` is of, and after `end` nobody: a worker that holds
  // it gets it rather than the other, of which that is true anyway.
  void ExpectUntouchedAfter(const std::string& worker, const std::function<void()>& end) {
    const GrantedLease lease = last_;
    end();
    EXPECT_EQ(Grant(worker, {"not-loaded", lease.checkpoint_digest}), lease.revision);
  }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
  GrantedLease last_;
  absl::Time now_ = absl::FromUnixSeconds(1000000);
};

// Two sweeps share the keys of a and b, so that one grant or commit is of two rows.
TEST_F(LeaseMemoryTest, IsWhatTheFileSaysAfterEveryGrantAndCommit) {
  Resolved("first", {"a", "b"});
  Resolved("second", {"b", "c", "a"});
  store_.reset();
  auto files = SqliteFiles::Open({folder_.File("store.db"), 0});
  ASSERT_TRUE(files.ok()) << files.status();
  std::mt19937 random(7);
  std::vector<GrantedLease> held;
  LeaseMemory memory;
  int rounds = 0;
  for (; rounds < 40; ++rounds) {
    std::vector<JobCommit> commits;
    while (!held.empty() && random() % 2 == 0) {
      std::swap(held.back(), held[random() % held.size()]);
      commits.push_back({held.back().key, ResultOf(held.back())});
      held.pop_back();
    }
    std::vector<LeaseRequest> requests;
    for (const char* worker : {"v", "w", "x"})
      if (random() % 2 == 0) requests.push_back({worker, {}, static_cast<int>(random() % 3)});
    const absl::Status status = (*files)->InWrite(now_, [&](Write& write) {
      EXPECT_TRUE(CommitJobs(write, commits, memory).ok());
      auto granted = GrantLeases(write, requests, memory);
      if (!granted.ok()) return granted.status();
      for (const auto& leases : *granted) held.insert(held.end(), leases.begin(), leases.end());
      LeaseMemory read;
      EXPECT_TRUE(GrantLeases(write, {}, read).ok());
      EXPECT_EQ(*memory.leases, *read.leases) << "round " << rounds;
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(memory.leases->Workers(), 0U);
}

TEST_F(LeaseMemoryTest, IsReadAgainWhereLeasesEndOtherwise) {
  Resolved("s", {"a", "b"});
  Grant("w");
  ExpectUntouchedAfter("x", [&] { EXPECT_TRUE(store_->ReturnLeases({last_.key}, now_).ok()); });
  ExpectUntouchedAfter("y", [&] {
    EXPECT_TRUE(*store_->FailJob(last_.key, LostWorkerError("x"), now_));
    now_ += absl::Hours(1);
  });
}

}  // namespace
}  // namespace ondelette::server
