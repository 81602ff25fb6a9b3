#include "server/service/worker_table.h"

#include <utility>

namespace ondelette::server {

HeldLease* WorkerTable::FindLease(const LeaseKey& key, const std::string& worker) {
  auto found = leases.find(key.job);
  if (found == leases.end()) return nullptr;
  const GrantedLease& lease = found->second.lease;
  return lease.key == key && lease.worker == worker ? &found->second : nullptr;
}

void WorkerTable::AddLease(GrantedLease lease, Clock::time_point now) {
  DropLease(lease.key.job);
  ++workers[lease.worker].leases;
  HeldLease& held = leases[lease.key.job];
  held.lease = std::move(lease);
  held.granted = now;
}

void WorkerTable::DropLease(const std::string& job) {
  auto found = leases.find(job);
  if (found == leases.end()) return;
  DropRecords(found->second);
  auto worker = workers.find(found->second.lease.worker);
  if (worker != workers.end()) --worker->second.leases;
  leases.erase(found);
}

void WorkerTable::DropRecords(HeldLease& held) {
  record_bytes -= static_cast<int64_t>(held.records.size());
  held.records = std::string();  // gives the memory back, as clear() does not
  held.digest.reset();
}

void WorkerTable::DropTasksOf(const std::string& worker) {
  std::erase_if(tasks, [&](const auto& task) { return task.second.worker == worker; });
}

std::vector<LeaseKey> WorkerTable::LeasesOf(const std::string& worker) const {
  std::vector<LeaseKey> keys;
  for (const auto& [job, held] : leases) {
    if (held.lease.worker == worker) keys.push_back(held.lease.key);
  }
  return keys;
}

}  // namespace ondelette::server
