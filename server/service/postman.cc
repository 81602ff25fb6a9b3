#include "server/service/postman.h"

#include <iterator>
#include <utility>

namespace ondelette::server {

Postman::~Postman() {
  Flush();
  {
    std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Postman::Send(std::shared_ptr<WorkSession> session, v1::CoordinatorMessage message) {
  collected_.push_back({std::move(session), std::move(message), std::nullopt});
}

void Postman::Close(std::shared_ptr<WorkSession> session, grpc::Status status) {
  collected_.push_back({std::move(session), {}, std::move(status)});
}

void Postman::Flush() {
  if (collected_.empty()) return;
  {
    std::lock_guard lock(mutex_);
    if (handed_over_.empty()) {
      handed_over_.swap(collected_);
    } else {
      std::move(collected_.begin(), collected_.end(), std::back_inserter(handed_over_));
    }
  }
  collected_.clear();
  changed_.notify_one();
}

void Postman::Work() {
  std::vector<Letter> letters;
  while (true) {
    letters.clear();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stops_ || !handed_over_.empty(); });
      if (handed_over_.empty()) return;
      letters.swap(handed_over_);
    }
    for (Letter& letter : letters) {
      if (letter.end) {
        letter.session->Close(*std::move(letter.end));
      } else {
        letter.session->Send(std::move(letter.message));
      }
    }
  }
}

}  // namespace ondelette::server
