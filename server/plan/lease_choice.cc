#include "server/plan/lease_choice.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ondelette::server {
namespace {

// Reading and loading a checkpoint takes about as long as so many of its jobs (docs/scale.md): a
// shared one must have as many left for each of its workers and the one that joins, and a worker is
// told what comes next when it has no more than that left to do.
constexpr int64_t kJobsWorthLoading = 4;
// A checkpoint with more left for each of its workers than this times what is left for every worker
// would end last, alone: it is joined at once.
constexpr double kCritical = 1.3;

}  // namespace

// The smaller, the better.
struct LeaseBoard::Rank {
  enum Group { kCriticalOnes, kUntouched, kShared, kNever };
  Group group = kNever;
  bool elsewhere = false;  // its files are
  int64_t sweep = 0;       // 0 for kShared and kNever: they come last, whichever they are of
  double left = 0;         // for each of its workers

  bool operator<(const Rank& other) const {
    return std::tuple(group >= kShared, sweep, group, elsewhere, -left) <
           std::tuple(other.group >= kShared, other.sweep, other.group, other.elsewhere,
                      -other.left);
  }
};

LeaseBoard::LeaseBoard(LeaseMemory& memory)
    : memory_(memory), leases_(memory.leases ? *memory.leases : memory.leases.emplace()) {}

void LeaseBoard::Add(int64_t checkpoint, int64_t queued) {
  const CheckpointFacts& facts = memory_.facts[checkpoint];
  index_[checkpoint] = entries_.size();
  by_digest_[facts.digest].push_back(entries_.size());
  entries_.push_back({checkpoint, &facts, queued, leases_.WorkersOn(checkpoint), 0});
}

void LeaseBoard::AddLeases(const std::string& worker, int64_t checkpoint, int64_t leases) {
  leases_.Add(worker, checkpoint, leases);
  if (Entry* entry = Find(checkpoint)) entry->workers = leases_.WorkersOn(checkpoint);
}

void LeaseBoard::Forget(const std::set<std::string>& asking) {
  std::erase_if(memory_.facts, [this](const auto& fact) { return Find(fact.first) == nullptr; });
  std::erase_if(memory_.promised, [this, &asking](const auto& promise) {
    Entry* entry = Find(promise.second);
    const bool here = !leases_.Of(promise.first).empty() || asking.count(promise.first) > 0;
    if (entry == nullptr || !here) return true;
    ++entry->expected;
    return false;
  });
}

LeaseBoard::Entry* LeaseBoard::Find(int64_t checkpoint) {
  auto found = index_.find(checkpoint);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

LeaseBoard::Asker LeaseBoard::Find(const std::string& worker) const {
  auto promise = memory_.promised.find(worker);
  return {leases_.Of(worker), promise == memory_.promised.end() ? kNone : promise->second};
}

bool LeaseBoard::MayHaveMore(const Asker& asker, const Entry& entry) {
  if (entry.queued <= 0) return false;
  return asker.leases.count(entry.checkpoint) == 0 || entry.queued >= entry.workers;
}

LeaseBoard::Rank LeaseBoard::RankOf(const Asker& asker, const Entry& entry, bool here,
                                    double fair) {
  if (entry.queued <= 0 || asker.leases.count(entry.checkpoint) > 0) return {};
  const bool promised = asker.promised == entry.checkpoint;
  const int64_t others = entry.workers + entry.expected - (promised ? 1 : 0);
  if (others == 0) {
    const bool critical = entry.Left() > kCritical * fair;
    return {critical ? Rank::kCriticalOnes : Rank::kUntouched, !here, entry.facts->sweep,
            entry.Left()};
  }
  if (entry.queued < kJobsWorthLoading * (others + 1)) return {};
  const double each = entry.Left() / static_cast<double>(others);
  if (each > kCritical * fair) return {Rank::kCriticalOnes, !here, entry.facts->sweep, each};
  return {Rank::kShared, !here, 0, entry.Left() / static_cast<double>(others + 1)};
}

int64_t LeaseBoard::ChooseNew(const Asker& asker, const std::vector<std::string>& held,
                              int64_t without) const {
  std::vector<bool> here(entries_.size());
  for (const std::string& digest : held) {
    auto found = by_digest_.find(digest);
    if (found == by_digest_.end()) continue;
    for (size_t index : found->second) here[index] = true;
  }
  double left = 0;
  for (const Entry& entry : entries_) left += entry.Left();
  const size_t workers = leases_.Workers() + (asker.leases.empty() ? 1 : 0);
  const double fair = left / static_cast<double>(workers);
  int64_t best = kNone;
  Rank best_rank;
  for (size_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    if (entry.checkpoint == without) continue;
    const Rank rank = RankOf(asker, entry, here[index], fair);
    if (!(rank < best_rank)) continue;
    best_rank = rank;
    best = entry.checkpoint;
  }
  return best;
}

int64_t LeaseBoard::ChooseFirst() const {
  std::vector<const Entry*> untouched;
  for (const Entry& entry : entries_) {
    if (entry.queued > 0 && entry.workers + entry.expected == 0 &&
        (untouched.empty() || untouched.front()->facts->sweep == entry.facts->sweep))
      untouched.push_back(&entry);
  }
  if (untouched.empty()) return kNone;
  auto middle = untouched.begin() + static_cast<int64_t>(untouched.size() / 2);
  std::nth_element(untouched.begin(), middle, untouched.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->facts->bytes, a->checkpoint) < std::pair(b->facts->bytes, b->checkpoint);
  });
  return (*middle)->checkpoint;
}

int64_t LeaseBoard::ChoosePromised() const {
  const Entry* best = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.queued <= 0 || entry.workers > 0) continue;
    if (best == nullptr || entry.Left() > best->Left()) best = &entry;
  }
  return best == nullptr ? kNone : best->checkpoint;
}

int64_t LeaseBoard::Choose(const std::string& worker, const std::vector<std::string>& held) {
  const Asker asker = Find(worker);
  auto loaded = held.empty() ? by_digest_.end() : by_digest_.find(held.front());
  if (loaded != by_digest_.end()) {
    for (size_t index : loaded->second) {
      if (MayHaveMore(asker, entries_[index])) return entries_[index].checkpoint;
    }
  }
  for (const auto& [checkpoint, leases] : asker.leases) {
    const Entry* entry = Find(checkpoint);
    if (entry != nullptr && MayHaveMore(asker, *entry)) return checkpoint;
  }
  const Entry* promised = Find(asker.promised);
  if (promised != nullptr && MayHaveMore(asker, *promised)) return asker.promised;
  if (held.empty() && asker.leases.empty()) {
    if (const int64_t first = ChooseFirst(); first != kNone) return first;
  }
  const int64_t next = ChooseNew(asker, held, kNone);
  return next == kNone && asker.leases.empty() ? ChoosePromised() : next;
}

void LeaseBoard::Granted(const std::string& worker, int64_t checkpoint, int64_t jobs, bool dry) {
  Entry& entry = *Find(checkpoint);
  entry.queued = dry ? 0 : entry.queued - jobs;
  if (jobs > 0) AddLeases(worker, checkpoint, jobs);
  KeepPromise(worker, checkpoint);
}

void LeaseBoard::KeepPromise(const std::string& worker, int64_t checkpoint) {
  auto promise = memory_.promised.find(worker);
  if (promise == memory_.promised.end() || promise->second != checkpoint) return;
  memory_.promised.erase(promise);
  if (Entry* entry = Find(checkpoint)) --entry->expected;
}

int64_t LeaseBoard::Promise(const std::string& worker, int64_t checkpoint,
                            const std::vector<std::string>& held) {
  auto promise = memory_.promised.find(worker);
  if (promise != memory_.promised.end()) {
    const Entry* kept = Find(promise->second);
    if (kept != nullptr && kept->queued > 0) return promise->second;
    KeepPromise(worker, promise->second);
  }
  const Entry& entry = *Find(checkpoint);
  const double left = entry.Left() / static_cast<double>(std::max<int64_t>(1, entry.workers));
  const int64_t next = ChooseNew(Find(worker), held, checkpoint);
  if (next == kNone || left > kJobsWorthLoading * Find(next)->facts->job_work) return kNone;
  memory_.promised[worker] = next;
  ++Find(next)->expected;
  return next;
}

}  // namespace ondelette::server
