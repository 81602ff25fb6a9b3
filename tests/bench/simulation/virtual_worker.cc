#include "tests/bench/simulation/virtual_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ondelette::simulation {
namespace {

// As LeaseTable's and CheckpointShelf's.
constexpr int kWantedUnfinished = 2;
constexpr int kMostFinished = 4;
constexpr size_t kMostShelved = 256;

}  // namespace

VirtualWorker::VirtualWorker(World world, int index, double speed)
    : world_(world),
      index_(index),
      speed_(speed),
      cache_(*world.events, *world.uplink, *world.suite, *world.moves, index,
             world.assumptions->cache_bytes) {}

std::function<void()> VirtualWorker::InThisLife(std::function<void()> then) {
  return [this, life = life_, then = std::move(then)] {
    if (life == life_) then();
  };
}

void VirtualWorker::Start() {
  // Zeros, so that the coordinator's map has them in this order.
  id_ = absl::StrCat("worker-", absl::Dec(index_, absl::kZeroPad5), "-", life_);
  world_.coordinator->Hello(id_, this);
  Request();
}

void VirtualWorker::Die(double seconds) {
  world_.coordinator->Vanish(id_);
  ++life_;
  cache_.Clear();
  held_.clear();
  to_resolve_.clear();
  digested_.clear();
  shelf_.clear();
  requested_ = 0;
  loaded_ = read_ahead_ = -1;
  preparing_ = resolving_ = reading_ahead_ = engine_busy_ = false;
  world_.events->After(seconds, [this] { Start(); });
}

int VirtualWorker::Checkpoint(const server::GrantedLease& lease) const {
  return world_.suite->Find(lease.model, lease.revision);
}

VirtualWorker::Held* VirtualWorker::First(Stage stage) {
  auto found =
      std::find_if(held_.begin(), held_.end(), [stage](const Held& h) { return h.stage == stage; });
  return found == held_.end() ? nullptr : &*found;
}

VirtualWorker::Held* VirtualWorker::Find(const server::LeaseKey& key) {
  auto found = std::find_if(held_.begin(), held_.end(),
                            [&key](const Held& h) { return h.lease.key == key; });
  return found == held_.end() ? nullptr : &*found;
}

int VirtualWorker::Unfinished() const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(),
                                        [](const Held& h) { return h.stage != Stage::kFinished; }));
}

void VirtualWorker::Advance() {
  PrepareNext();
  FeedEngine();
  Request();
}

void VirtualWorker::Request() {
  const int unfinished = Unfinished();
  const bool full = static_cast<int>(held_.size()) - unfinished >= kMostFinished;
  const int wanted = full ? 0 : std::max(0, kWantedUnfinished - unfinished);
  if (wanted == requested_) return;
  requested_ = wanted;
  std::vector<std::string> digests;
  if (loaded_ >= 0) digests.push_back(world_.suite->checkpoints()[loaded_].digest);
  for (const std::string& digest : shelf_) {
    if (loaded_ < 0 || digest != digests.front()) digests.push_back(digest);
  }
  world_.coordinator->Request(id_, wanted, std::move(digests));
}

void VirtualWorker::OnLease(const server::GrantedLease& lease) {
  // One that was sent to an earlier life; the coordinator has it back after the lease time.
  if (lease.worker != id_) return;
  requested_ = std::max(0, requested_ - 1);
  held_.push_back({lease, Stage::kQueued});
  Advance();
}

void VirtualWorker::OnAcknowledgement(const server::LeaseKey& lease, bool) {
  held_.remove_if([&lease](const Held& h) { return h.lease.key == lease; });
  Advance();
}

void VirtualWorker::Know(int checkpoint) {
  digested_.insert(checkpoint);
  const std::string& digest = world_.suite->checkpoints()[checkpoint].digest;
  std::erase(shelf_, digest);
  shelf_.push_front(digest);
  if (shelf_.size() > kMostShelved) shelf_.pop_back();
}

void VirtualWorker::OnResolveTask(const server::StoredCheckpoint& checkpoint) {
  to_resolve_.push_back(checkpoint);
  ResolveNext();
}

void VirtualWorker::ResolveNext() {
  if (resolving_ || to_resolve_.empty()) return;
  resolving_ = true;
  const server::StoredCheckpoint task = to_resolve_.front();
  to_resolve_.pop_front();
  const int checkpoint = world_.suite->Find(task.model, task.revision);
  auto resolved = InThisLife([this, task, checkpoint] {
    resolving_ = false;
    Know(checkpoint);
    const auto& found = world_.suite->checkpoints()[checkpoint];
    world_.coordinator->Resolved(
        id_, task.id,
        {found.digest,
         found.digest,
         "",
         {{"model.safetensors", static_cast<int64_t>(found.bytes), found.digest}}});
    ResolveNext();
  });
  if (world_.assumptions->digests_known) return world_.events->After(0, std::move(resolved));
  cache_.Read(checkpoint, PageCache::Urgency::kAhead, std::move(resolved));
}

void VirtualWorker::PrepareNext() {
  Held* next = First(Stage::kQueued);
  if (preparing_ || next == nullptr) return;
  preparing_ = true;
  next->stage = Stage::kPreparing;
  const int checkpoint = Checkpoint(next->lease);
  auto prepared =
      InThisLife([this, key = next->lease.key, checkpoint] { OnPrepared(key, checkpoint); });
  const bool known = world_.assumptions->digests_known || digested_.count(checkpoint) > 0;
  if (known) return world_.events->After(0, std::move(prepared));
  cache_.Read(checkpoint, PageCache::Urgency::kNow, std::move(prepared));
}

void VirtualWorker::OnPrepared(const server::LeaseKey& key, int checkpoint) {
  preparing_ = false;
  Know(checkpoint);
  if (Held* held = Find(key)) {
    held->stage = Stage::kPrepared;
    if (engine_busy_) ReadAhead(checkpoint);
  }
  Advance();
}

void VirtualWorker::FeedEngine() {
  Held* next = First(Stage::kPrepared);
  if (engine_busy_ || next == nullptr) return;
  engine_busy_ = true;
  next->stage = Stage::kRunning;
  ReadNext(next->lease);
  const int checkpoint = Checkpoint(next->lease);
  const double began = world_.events->now();
  ++figures_.jobs;
  if (checkpoint == loaded_) {
    ++figures_.held_jobs;
    return Compute(next->lease, began);
  }
  const double seconds =
      world_.assumptions->load_seconds +
      world_.suite->checkpoints()[checkpoint].bytes / world_.assumptions->device_link;
  cache_.Read(
      checkpoint, PageCache::Urgency::kNow, InThisLife([this, lease = next->lease, began, seconds] {
        world_.events->After(seconds, InThisLife([this, lease, began] { Compute(lease, began); }));
      }));
}

void VirtualWorker::Compute(const server::GrantedLease& lease, double began) {
  const double loading = world_.events->now() - began;
  loaded_ = Checkpoint(lease);
  const double seconds = static_cast<double>(lease.sequences) *
                         world_.suite->checkpoints()[loaded_].sequence_seconds / speed_;
  world_.events->After(seconds, InThisLife([this, key = lease.key, loading, seconds] {
                         OnJobDone(key, loading, seconds);
                       }));
}

void VirtualWorker::OnJobDone(const server::LeaseKey& key, double load_seconds,
                              double compute_seconds) {
  engine_busy_ = false;
  figures_.load_seconds += load_seconds;
  figures_.compute_seconds += compute_seconds;
  Held* held = Find(key);
  held->stage = Stage::kFinished;
  world_.coordinator->Succeeded(id_, held->lease, compute_seconds, load_seconds);
  Advance();
}

void VirtualWorker::ReadAhead(int checkpoint) {
  if (reading_ahead_ || checkpoint == loaded_ || checkpoint == read_ahead_) return;
  reading_ahead_ = true;
  read_ahead_ = checkpoint;
  cache_.Read(checkpoint, PageCache::Urgency::kAhead, InThisLife([this, checkpoint] {
                reading_ahead_ = false;
                Know(checkpoint);
              }));
}

void VirtualWorker::ReadNext(const server::GrantedLease& lease) {
  if (lease.next_model.empty()) return;
  ReadAhead(world_.suite->Find(lease.next_model, lease.next_revision));
}

}  // namespace ondelette::simulation
