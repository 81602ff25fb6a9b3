// Who works on what. No I/O.
#ifndef ONDELETTE_SERVER_PLAN_LEASE_COUNTS_H_
#define ONDELETTE_SERVER_PLAN_LEASE_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

namespace ondelette::server {

// How many leases each worker has on each checkpoint. Not thread-safe.
class LeaseCounts {
 public:
  void Add(const std::string& worker, int64_t checkpoint, int64_t leases);
  // One has ended; none that is not there.
  void End(const std::string& worker, int64_t checkpoint);

  // A worker's, by checkpoint; empty where it has none. Valid until the next change.
  const std::map<int64_t, int64_t>& Of(const std::string& worker) const;
  // Workers with a lease on the checkpoint, and on any.
  int64_t WorkersOn(int64_t checkpoint) const;
  size_t Workers() const { return by_worker_.size(); }

  bool operator==(const LeaseCounts&) const = default;

 private:
  std::unordered_map<std::string, std::map<int64_t, int64_t>> by_worker_;  // no empty maps
  std::unordered_map<int64_t, int64_t> workers_;                           // by checkpoint
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_LEASE_COUNTS_H_
