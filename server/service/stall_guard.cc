#include "server/service/stall_guard.h"

namespace ondelette::server {

void StallGuard::Waits(grpc::CallbackServerContext* context) {
  std::lock_guard lock(mutex_);
  waiting_[context] = std::chrono::steady_clock::now();
}

void StallGuard::Goes(grpc::CallbackServerContext* context) {
  std::lock_guard lock(mutex_);
  waiting_.erase(context);
}

void StallGuard::CutStalled() {
  const auto oldest = std::chrono::steady_clock::now() - patience_;
  std::lock_guard lock(mutex_);
  for (const auto& [context, since] : waiting_) {
    if (since < oldest) context->TryCancel();
  }
}

}  // namespace ondelette::server
