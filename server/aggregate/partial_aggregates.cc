#include "server/aggregate/partial_aggregates.h"

#include <utility>

#include "absl/time/clock.h"

namespace ondelette::server {
namespace {

constexpr int kGoodFor = 10;  // times as long as they took

}  // namespace

std::shared_ptr<PartialAggregates::Entry> PartialAggregates::Use(int64_t checkpoint) {
  std::lock_guard lock(mutex_);
  Slot& slot = slots_[checkpoint];
  if (slot.entry == nullptr) {
    slot.entry = std::make_shared<Entry>();
  } else {
    used_.erase(slot.used);
  }
  used_.push_front(checkpoint);
  slot.used = used_.begin();
  return slot.entry;
}

void PartialAggregates::Account(int64_t checkpoint, int64_t bytes) {
  std::lock_guard lock(mutex_);
  auto found = slots_.find(checkpoint);
  if (found == slots_.end()) return;  // forgotten meanwhile
  bytes_ += bytes - std::exchange(found->second.bytes, bytes);
  while (bytes_ > kMostBytes && used_.size() > 1) {
    auto last = slots_.find(used_.back());
    bytes_ -= last->second.bytes;
    slots_.erase(last);
    used_.pop_back();
  }
}

absl::StatusOr<std::shared_ptr<const Figures>> PartialAggregates::Of(
    Store& store, const StoredCheckpoint& checkpoint, const Spec& spec) {
  const std::shared_ptr<Entry> entry = Use(checkpoint.id);
  std::lock_guard lock(entry->mutex);
  const absl::Time start = absl::Now();
  const bool current = entry->succeeded >= checkpoint.jobs.succeeded;
  const bool recent = entry->took > kLong && start - entry->computed < kGoodFor * entry->took;
  if (entry->figures != nullptr && (current || recent)) return entry->figures;
  auto heads = ComputeHeadFigures(store, checkpoint, spec);
  if (!heads.ok()) return heads.status();
  entry->figures = std::make_shared<const Figures>(*std::move(heads), spec);
  entry->succeeded = checkpoint.jobs.succeeded;
  entry->computed = absl::Now();
  entry->took = entry->computed - start;
  Account(checkpoint.id, entry->figures->bytes());
  return entry->figures;
}

}  // namespace ondelette::server
