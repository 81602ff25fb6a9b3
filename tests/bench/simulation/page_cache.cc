#include "tests/bench/simulation/page_cache.h"

#include <algorithm>

namespace ondelette::simulation {
namespace {

// Something more urgent waits for one piece at most.
constexpr double kPieceBytes = 256e6;

}  // namespace

void PageCache::Read(int checkpoint, Urgency urgency, std::function<void()> done) {
  auto kept = std::find(kept_.begin(), kept_.end(), checkpoint);
  if (kept != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, kept);
    return events_.After(0, std::move(done));
  }
  auto same = std::find_if(readings_.begin(), readings_.end(), [checkpoint](const Reading& other) {
    return other.checkpoint == checkpoint;
  });
  if (same == readings_.end()) {
    same = readings_.insert(
        same, {checkpoint, suite_.checkpoints()[checkpoint].bytes, Urgency::kAhead, {}});
  }
  same->urgency = std::max(same->urgency, urgency);
  same->waiting.push_back(std::move(done));
  if (!reading_) ReadOn();
}

void PageCache::ReadOn() {
  if (readings_.empty()) return;
  // Of the most urgent, the oldest.
  current_ =
      std::max_element(readings_.begin(), readings_.end(),
                       [](const Reading& a, const Reading& b) { return a.urgency < b.urgency; });
  const double bytes = std::min(kPieceBytes, current_->left);
  reading_ = true;
  uplink_.Start(worker_, bytes, [this, bytes] { OnPiece(bytes); });
}

void PageCache::OnPiece(double bytes) {
  reading_ = false;
  const int checkpoint = current_->checkpoint;
  moves_[checkpoint] += bytes / suite_.checkpoints()[checkpoint].bytes;
  current_->left -= bytes;
  if (current_->left <= 0) {
    std::vector<std::function<void()>> waiting = std::move(current_->waiting);
    readings_.erase(current_);
    Keep(checkpoint);
    for (std::function<void()>& done : waiting) events_.After(0, std::move(done));
  }
  ReadOn();
}

void PageCache::Keep(int checkpoint) {
  kept_.push_front(checkpoint);
  kept_bytes_ += suite_.checkpoints()[checkpoint].bytes;
  while (kept_bytes_ > capacity_ && kept_.size() > 1) {
    kept_bytes_ -= suite_.checkpoints()[kept_.back()].bytes;
    kept_.pop_back();
  }
}

void PageCache::Clear() {
  uplink_.Cancel(worker_);
  kept_.clear();
  kept_bytes_ = 0;
  readings_.clear();
  reading_ = false;
}

}  // namespace ondelette::simulation
