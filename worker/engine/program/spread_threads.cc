#include "worker/engine/program/spread_threads.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <algorithm>
#include <vector>

namespace ondelette::engine {
namespace {

const cpu_set_t& AllowedProcessors() {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    // Without an answer none is allowed, and nothing is done.
    if (sched_getaffinity(0, sizeof(set), &set) != 0) CPU_ZERO(&set);
    return set;
  }();
  return allowed;
}

// Where each thread is, or, where another one is already, a processor that no thread has.
std::vector<int> Homes(int threads) {
  std::vector<int> homes(static_cast<size_t>(threads), -1);
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) homes[static_cast<size_t>(at)] = sched_getcpu();
  });
  cpu_set_t free = AllowedProcessors();
  for (int& home : homes) {
    if (home >= 0 && !CPU_ISSET(home, &free)) home = -1;
    if (home >= 0) CPU_CLR(home, &free);
  }
  int next = 0;
  for (int& home : homes) {
    if (home >= 0) continue;
    while (next < CPU_SETSIZE - 1 && !CPU_ISSET(next, &free)) ++next;
    home = next++;
  }
  return homes;
}

}  // namespace

SpreadThreads::SpreadThreads() {
  const cpu_set_t& allowed = AllowedProcessors();
  const int threads = at::get_num_threads();
  if (threads < 2 || threads > CPU_COUNT(&allowed)) return;
  spread_ = true;
  const std::vector<int> homes = Homes(threads);
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t /*end*/) {
    cpu_set_t mine = allowed;
    for (int home : homes) CPU_CLR(home, &mine);
    CPU_SET(homes[static_cast<size_t>(begin)], &mine);
    sched_setaffinity(0, sizeof(mine), &mine);
  });
}

SpreadThreads::~SpreadThreads() {
  if (!spread_) return;
  at::parallel_for(0, at::get_num_threads(), 1, [](int64_t, int64_t) { RoamFreely(); });
}

void RoamFreely() {
  const cpu_set_t& allowed = AllowedProcessors();
  if (CPU_COUNT(&allowed) > 0) sched_setaffinity(0, sizeof(allowed), &allowed);
}

}  // namespace ondelette::engine
