// Waits before trying again: doubling, random, bounded.
#ifndef ONDELETTE_WORKER_AGENT_BACK_OFF_H_
#define ONDELETTE_WORKER_AGENT_BACK_OFF_H_

#include <algorithm>
#include <random>

#include "absl/time/time.h"

namespace ondelette::agent {

// Not thread-safe. Random, so that the workers of a coordinator that restarts do not come back all
// at once.
class BackOff {
 public:
  BackOff(absl::Duration first, absl::Duration longest)
      : first_(first), longest_(longest), next_(first), random_(std::random_device()()) {}

  // Between half of the step and the whole of it; the next step is twice as long.
  absl::Duration Next() {
    const absl::Duration step = next_;
    next_ = std::min(2 * next_, longest_);
    return step * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  }
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  absl::Duration next_;
  std::mt19937 random_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_BACK_OFF_H_
