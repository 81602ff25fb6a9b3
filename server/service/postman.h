// Sends what the dispatcher says on a thread of its own: writing to a stream is a system call, and a
// fifth of the time of who decides.
#ifndef ONDELETTE_SERVER_SERVICE_POSTMAN_H_
#define ONDELETTE_SERVER_SERVICE_POSTMAN_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "ondelette/v1/work.pb.h"
#include "server/service/work_session.h"

namespace ondelette::server {

// Send, Close and Flush belong to one thread. What was handed over before the destructor is still
// sent.
class Postman {
 public:
  Postman() : thread_([this] { Work(); }) {}
  ~Postman();
  Postman(const Postman&) = delete;
  Postman& operator=(const Postman&) = delete;

  // As the session's methods of these names, in this order, after the next Flush.
  void Send(std::shared_ptr<WorkSession> session, v1::CoordinatorMessage message);
  void Close(std::shared_ptr<WorkSession> session, grpc::Status status);

  // Hands over what there is. A round's messages go together: one thread wakes another once.
  void Flush();

 private:
  struct Letter {
    std::shared_ptr<WorkSession> session;
    v1::CoordinatorMessage message;
    std::optional<grpc::Status> end;  // where it is not a message
  };
  void Work();

  std::vector<Letter> collected_;  // of the thread that sends
  std::mutex mutex_;               // guards what follows
  std::vector<Letter> handed_over_;
  bool stops_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_POSTMAN_H_
