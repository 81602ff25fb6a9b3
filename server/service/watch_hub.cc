#include "server/service/watch_hub.h"

#include <algorithm>
#include <utility>

#include "common/errors/errors.h"
#include "server/service/reactors.h"

namespace ondelette::server {
namespace {

constexpr int kEventsAtATime = 64;

}  // namespace

// One watch. It is busy (reading or writing), or idle (waiting for Wake); Wake while it is busy
// makes it look again before it goes idle, so that no event is missed. Deletes itself.
class WatchReactor : public grpc::ServerWriteReactor<v1::SweepEvent> {
 public:
  WatchReactor(WatchHub& hub, grpc::CallbackServerContext* context,
               const v1::WatchSweepRequest& request)
      : hub_(hub), context_(context), reference_(request.sweep()), cursor_(request.cursor()) {}

  void Begin() {
    if (!hub_.Add(this)) return End(Overloaded());
    Schedule();
  }

  // The sweeps have new events; null: every watch is to look, for the hub has closed.
  void Wake(const std::vector<std::string>* sweeps) {
    {
      std::lock_guard lock(mutex_);
      const bool mine = sweeps == nullptr || sweep_id_.empty() ||
                        std::find(sweeps->begin(), sweeps->end(), sweep_id_) != sweeps->end();
      if (!mine || ended_) return;
      if (sweeps == nullptr) closed_ = true;
      again_ = true;
      if (busy_) return;
      busy_ = true;
    }
    Schedule();
  }

  void OnWriteDone(bool ok) override {
    hub_.guard_.Goes(context_);
    if (!ok) return End({grpc::StatusCode::CANCELLED, "the reader has gone"});
    {
      std::lock_guard lock(mutex_);
      ++next_;
    }
    WriteNext();
  }

  void OnCancel() override {
    bool idle = false;
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      idle = !busy_ && !ended_;
      if (idle) busy_ = true;
    }
    if (idle) End({grpc::StatusCode::CANCELLED, "the reader has gone"});
  }

  void OnDone() override {
    hub_.guard_.Goes(context_);
    hub_.Remove(this);
    delete this;
  }

 private:
  void Schedule() {
    if (!hub_.pool_.Run([this] { Read(); })) End(Overloaded());
  }

  void End(const grpc::Status& status) {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(ended_, true)) return;
    }
    Finish(status);
  }

  // On the pool.
  void Read() {
    std::string wanted;
    uint64_t cursor = 0;
    {
      std::lock_guard lock(mutex_);
      again_ = false;
      wanted = sweep_id_.empty() ? reference_ : sweep_id_;
      cursor = cursor_;
    }
    auto sweep = hub_.store_.FindSweep(wanted);
    if (!sweep.ok()) return End(ToCallStatus(sweep.status()));
    {
      std::lock_guard lock(mutex_);
      sweep_id_ = sweep->id;
    }
    auto events = hub_.store_.Events(sweep->id, cursor, kEventsAtATime);
    if (!events.ok()) return End(ToCallStatus(events.status()));
    {
      std::lock_guard lock(mutex_);
      events_ = *std::move(events);
      next_ = 0;
      // The sweep was read before its events: had it ended, they are all there.
      ended_sweep_ = sweep->state != v1::SWEEP_STATE_RUNNING;
    }
    WriteNext();
  }

  void WriteNext() {
    const v1::SweepEvent* event = nullptr;
    bool read_on = false, ended_sweep = false;
    {
      std::lock_guard lock(mutex_);
      if (next_ < events_.size()) {
        event = &events_[next_];
        cursor_ = event->cursor();
      }
      read_on = !events_.empty();
      ended_sweep = ended_sweep_;
    }
    if (event != nullptr) {
      hub_.guard_.Waits(context_);
      StartWrite(event);
      return;
    }
    if (read_on) return Schedule();
    if (ended_sweep) return End(grpc::Status::OK);
    Rest();
  }

  void Rest() {
    {
      std::lock_guard lock(mutex_);
      if (!cancelled_ && !closed_ && !again_) {
        busy_ = false;
        return;
      }
    }
    if (context_->IsCancelled()) return End({grpc::StatusCode::CANCELLED, "the reader has gone"});
    bool closed;
    {
      std::lock_guard lock(mutex_);
      closed = closed_;
    }
    if (!closed) return Schedule();
    End(ToCallStatus(MakeError(absl::StatusCode::kUnavailable, "COORDINATOR_LEAVING",
                               "the coordinator is leaving", "watch again from the last cursor")));
  }

  WatchHub& hub_;
  grpc::CallbackServerContext* const context_;
  const std::string reference_;

  std::mutex mutex_;  // guards what follows
  // Of whoever is busy with it; gRPC hands it from thread to thread, which ThreadSanitizer cannot
  // see.
  uint64_t cursor_;
  std::vector<v1::SweepEvent> events_;
  size_t next_ = 0;
  bool ended_sweep_ = false;
  std::string sweep_id_;  // written once, by the first Read
  bool busy_ = true;
  bool again_ = false;
  bool cancelled_ = false;
  bool closed_ = false;
  bool ended_ = false;
};

grpc::ServerWriteReactor<v1::SweepEvent>* WatchHub::Watch(grpc::CallbackServerContext* context,
                                                          const v1::WatchSweepRequest& request) {
  auto* watcher = new WatchReactor(*this, context, request);
  watcher->Begin();
  return watcher;
}

void WatchHub::Notify(const std::vector<std::string>& sweeps) {
  std::lock_guard lock(mutex_);
  for (WatchReactor* watcher : watchers_) watcher->Wake(&sweeps);
}

void WatchHub::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (WatchReactor* watcher : watchers_) watcher->Wake(nullptr);
}

bool WatchHub::Add(WatchReactor* watcher) {
  std::lock_guard lock(mutex_);
  if (closed_ || watchers_.size() >= kMostWatchers) return false;
  watchers_.insert(watcher);
  return true;
}

void WatchHub::Remove(WatchReactor* watcher) {
  std::lock_guard lock(mutex_);
  watchers_.erase(watcher);
}

}  // namespace ondelette::server
