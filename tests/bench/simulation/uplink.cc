#include "tests/bench/simulation/uplink.h"

#include <algorithm>

namespace ondelette::simulation {

double Uplink::Rate() const {
  return std::min(link_, uplink_ / std::max<double>(1.0, static_cast<double>(transfers_.size())));
}

void Uplink::Advance() {
  served_ += Rate() * (events_.now() - last_);
  last_ = events_.now();
}

void Uplink::Start(int worker, double bytes, std::function<void()> done) {
  Advance();
  transfers_[worker] = {served_ + bytes, std::move(done)};
  ends_.insert({served_ + bytes, worker});
  Reschedule();
}

void Uplink::Cancel(int worker) {
  auto found = transfers_.find(worker);
  if (found == transfers_.end()) return;
  Advance();
  ends_.erase({found->second.end, worker});
  transfers_.erase(found);
  Reschedule();
}

void Uplink::Reschedule() {
  const int64_t version = ++version_;
  if (ends_.empty()) return;
  const double seconds = std::max(0.0, ends_.begin()->first - served_) / Rate();
  events_.After(seconds, [this, version] {
    if (version == version_) EndFirst();
  });
}

void Uplink::EndFirst() {
  Advance();
  const int worker = ends_.begin()->second;
  std::function<void()> done = std::move(transfers_[worker].done);
  ends_.erase(ends_.begin());
  transfers_.erase(worker);
  Reschedule();
  done();
}

}  // namespace ondelette::simulation
