// What the coordinator knows of its workers and of nothing else: who was heard when, which leases
// and tasks they have, and the records that are coming in. All of it may be lost: after a restart
// the leases are read from the store, and workers have one lease time to come back.
#ifndef ONDELETTE_SERVER_SERVICE_WORKER_TABLE_H_
#define ONDELETTE_SERVER_SERVICE_WORKER_TABLE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/digest/digest.h"
#include "ondelette/v1/work.pb.h"
#include "server/service/work_session.h"
#include "server/store/rows.h"

namespace ondelette::server {

using Clock = std::chrono::steady_clock;  // leases must not depend on the wall clock

struct ConnectedWorker {
  std::string id;
  v1::Hello hello;
  std::shared_ptr<WorkSession> session;  // null while it is gone
  Clock::time_point heard;
  absl::Time heard_at;                        // for people
  int demand = 0;                             // leases it will still take
  std::vector<std::string> held_checkpoints;  // the loaded one first
  bool draining = false;
  int leases = 0;
};

// A lease and its records as far as they have come.
struct HeldLease {
  GrantedLease lease;
  Clock::time_point granted;
  std::string records;
  std::unique_ptr<Sha256> digest;  // of records
  bool pending = false;            // its result is about to be committed
};

struct OutstandingTask {
  std::string worker;
  int64_t checkpoint = 0;   // to resolve, or
  std::string spec_digest;  // whose controls to compute
  Clock::time_point given;
};

// Not thread-safe: the dispatcher's thread owns it.
struct WorkerTable {
  std::map<std::string, ConnectedWorker> workers;  // by id
  std::map<std::string, HeldLease> leases;         // by job key
  std::map<uint64_t, OutstandingTask> tasks;       // by id
  int64_t record_bytes = 0;                        // of all leases

  HeldLease* FindLease(const LeaseKey& key, const std::string& worker);
  void AddLease(GrantedLease lease, Clock::time_point now);
  void DropLease(const std::string& job);
  void DropRecords(HeldLease& held);
  void DropTasksOf(const std::string& worker);
  std::vector<LeaseKey> LeasesOf(const std::string& worker) const;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_WORKER_TABLE_H_
