// Whether the kernel has been ending processes for want of memory.
#ifndef ONDELETTE_WORKER_AGENT_OOM_KILLS_H_
#define ONDELETTE_WORKER_AGENT_OOM_KILLS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace ondelette::agent {

// How many processes the kernel has killed for want of memory since it started, on the machine or
// within a cgroup of it (oom_kill of /proc/vmstat). Nothing where the kernel does not say.
std::optional<int64_t> OomKills(const std::string& vmstat = "/proc/vmstat");

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_OOM_KILLS_H_
