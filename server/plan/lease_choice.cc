#include "server/plan/lease_choice.h"

#include <algorithm>
#include <unordered_set>

namespace ondelette::server {
namespace {

enum Class { kLoaded, kHeldAlone, kUntouched, kHeld, kSteal };

}  // namespace

void RankCandidates(const std::vector<std::string>& held, std::vector<LeaseCandidate>& candidates) {
  const std::unordered_set<std::string> files(held.begin(), held.end());
  auto class_of = [&](const LeaseCandidate& candidate) {
    if (!held.empty() && candidate.digest == held.front()) return kLoaded;
    const bool has_files = files.count(candidate.digest) > 0;
    if (candidate.other_workers == 0) return has_files ? kHeldAlone : kUntouched;
    return has_files ? kHeld : kSteal;
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const LeaseCandidate& a, const LeaseCandidate& b) {
                     const Class class_a = class_of(a);
                     const Class class_b = class_of(b);
                     if (class_a != class_b) return class_a < class_b;
                     if (class_a != kSteal) return false;
                     // a.queued / (a.workers + 1) > b.queued / (b.workers + 1), without fractions.
                     return a.queued * (b.other_workers + 1) > b.queued * (a.other_workers + 1);
                   });
}

}  // namespace ondelette::server
