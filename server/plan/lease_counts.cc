#include "server/plan/lease_counts.h"

namespace ondelette::server {

void LeaseCounts::Add(const std::string& worker, int64_t checkpoint, int64_t leases) {
  int64_t& mine = by_worker_[worker][checkpoint];
  if (mine == 0) ++workers_[checkpoint];
  mine += leases;
}

void LeaseCounts::End(const std::string& worker, int64_t checkpoint) {
  auto own = by_worker_.find(worker);
  if (own == by_worker_.end()) return;
  auto mine = own->second.find(checkpoint);
  if (mine == own->second.end() || --mine->second > 0) return;
  own->second.erase(mine);
  if (own->second.empty()) by_worker_.erase(own);
  auto others = workers_.find(checkpoint);
  if (--others->second == 0) workers_.erase(others);
}

const std::map<int64_t, int64_t>& LeaseCounts::Of(const std::string& worker) const {
  static const auto* const kNone = new std::map<int64_t, int64_t>;
  auto own = by_worker_.find(worker);
  return own == by_worker_.end() ? *kNone : own->second;
}

int64_t LeaseCounts::WorkersOn(int64_t checkpoint) const {
  auto found = workers_.find(checkpoint);
  return found == workers_.end() ? 0 : found->second;
}

}  // namespace ondelette::server
