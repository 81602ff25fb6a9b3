#include "worker/agent/lease_table.h"

#include <algorithm>

namespace ondelette::agent {

bool SameLease(const v1::LeaseId& a, const v1::LeaseId& b) {
  return a.epoch() == b.epoch() && a.job() == b.job();
}

HeldLease* LeaseTable::Add(const v1::Lease& lease) {
  for (const HeldLease& held : leases_) {
    const bool same_job = held.lease.id().job() == lease.id().job();
    if (same_job && held.lease.id().epoch() >= lease.id().epoch()) return nullptr;
  }
  // A new grant of a job says that the old lease on it was lost.
  leases_.remove_if([&lease](const HeldLease& held) {
    const bool older = held.lease.id().job() == lease.id().job();
    if (older) held.control->cancelled = true;
    return older;
  });
  if (Unfinished() >= kMostUnfinished) return nullptr;
  HeldLease& held = leases_.emplace_back();
  held.lease = lease;
  return &held;
}

HeldLease* LeaseTable::Find(const v1::LeaseId& id) {
  auto found = std::find_if(leases_.begin(), leases_.end(), [&id](const HeldLease& held) {
    return SameLease(held.lease.id(), id);
  });
  return found == leases_.end() ? nullptr : &*found;
}

HeldLease* LeaseTable::First(LeaseStage stage) {
  auto found = std::find_if(leases_.begin(), leases_.end(),
                            [stage](const HeldLease& held) { return held.stage == stage; });
  return found == leases_.end() ? nullptr : &*found;
}

bool LeaseTable::Drop(const v1::LeaseId& id) {
  HeldLease* held = Find(id);
  if (held == nullptr) return false;
  held->control->cancelled = true;
  leases_.remove_if([held](const HeldLease& other) { return &other == held; });
  return true;
}

int LeaseTable::KeepOnly(const std::vector<v1::LeaseId>& ids) {
  const size_t before = leases_.size();
  leases_.remove_if([&ids](const HeldLease& held) {
    const bool kept = std::any_of(ids.begin(), ids.end(), [&held](const v1::LeaseId& id) {
      return SameLease(held.lease.id(), id);
    });
    if (!kept) held.control->cancelled = true;
    return !kept;
  });
  return static_cast<int>(before - leases_.size());
}

int LeaseTable::Unfinished() const {
  return static_cast<int>(std::count_if(leases_.begin(), leases_.end(), [](const HeldLease& held) {
    return held.stage != LeaseStage::kFinished;
  }));
}

int LeaseTable::Wanted() const {
  const int unfinished = Unfinished();
  const int finished = static_cast<int>(leases_.size()) - unfinished;
  return finished >= kMostFinished ? 0 : std::max(0, kWantedUnfinished - unfinished);
}

std::vector<v1::LeaseId> LeaseTable::UnfinishedIds() const {
  std::vector<v1::LeaseId> ids;
  for (const HeldLease& held : leases_) {
    if (held.stage != LeaseStage::kFinished) ids.push_back(held.lease.id());
  }
  return ids;
}

}  // namespace ondelette::agent
