// WorkService: one stream a worker, handed to the dispatcher.
#ifndef ONDELETTE_SERVER_SERVICE_WORK_SERVICE_H_
#define ONDELETTE_SERVER_SERVICE_WORK_SERVICE_H_

#include "ondelette/v1/work.grpc.pb.h"
#include "server/service/dispatcher.h"

namespace ondelette::server {

// Thread-safe. The dispatcher outlives the gRPC server.
class WorkService final : public v1::WorkService::CallbackService {
 public:
  explicit WorkService(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>* Work(
      grpc::CallbackServerContext* context) override {
    return dispatcher_.Accept(context);
  }

 private:
  Dispatcher& dispatcher_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_WORK_SERVICE_H_
