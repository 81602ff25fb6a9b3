// The leases a worker holds, and how far each has come. No I/O and no threads.
#ifndef ONDELETTE_WORKER_AGENT_LEASE_TABLE_H_
#define ONDELETTE_WORKER_AGENT_LEASE_TABLE_H_

#include <list>
#include <memory>
#include <vector>

#include "ondelette/v1/work.pb.h"
#include "worker/agent/job.h"

namespace ondelette::agent {

// In this order, except that a lease may end from anywhere.
enum class LeaseStage { kQueued, kPreparing, kPrepared, kRunning, kFinished };

struct HeldLease {
  v1::Lease lease;
  LeaseStage stage = LeaseStage::kQueued;
  std::shared_ptr<JobControl> control = std::make_shared<JobControl>();
  std::shared_ptr<const PreparedJob> prepared;  // from kPrepared on
  std::shared_ptr<const FinishedJob> finished;  // kFinished: kept until acknowledged
};

// Pointers it returns stay valid until their lease is dropped.
class LeaseTable {
 public:
  // Two leases at a time: one in the engine and one being prepared. The coordinator may have sent
  // more than it was asked for when messages crossed; beyond kMostUnfinished they are handed back.
  static constexpr int kWantedUnfinished = 2;
  static constexpr int kMostUnfinished = 4;
  // Results that wait for their acknowledgement: with so many no more work is asked for.
  static constexpr int kMostFinished = 4;

  // Null where it, or a newer epoch of the job, is held already, or there is no room. An older
  // epoch of the job is dropped.
  HeldLease* Add(const v1::Lease& lease);
  HeldLease* Find(const v1::LeaseId& id);
  // The oldest lease of a stage; null where there is none.
  HeldLease* First(LeaseStage stage);
  // Cancels it and forgets it. False where it was not held.
  bool Drop(const v1::LeaseId& id);
  // Drops whatever is not listed; how many those were.
  int KeepOnly(const std::vector<v1::LeaseId>& ids);

  bool Has(const v1::LeaseId& id) { return Find(id) != nullptr; }
  bool empty() const { return leases_.empty(); }
  int Unfinished() const;
  // How many leases to ask for.
  int Wanted() const;
  // The oldest first.
  const std::list<HeldLease>& leases() const { return leases_; }
  std::vector<v1::LeaseId> UnfinishedIds() const;

 private:
  std::list<HeldLease> leases_;
};

bool SameLease(const v1::LeaseId& a, const v1::LeaseId& b);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_LEASE_TABLE_H_
