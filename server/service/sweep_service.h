// SweepService: sweeps, their jobs, and the workers.
#ifndef ONDELETTE_SERVER_SERVICE_SWEEP_SERVICE_H_
#define ONDELETTE_SERVER_SERVICE_SWEEP_SERVICE_H_

#include "ondelette/v1/sweep.grpc.pb.h"
#include "server/service/dispatcher.h"
#include "server/service/pool.h"
#include "server/service/watch_hub.h"
#include "server/store/store.h"
#include "server/telemetry.h"

namespace ondelette::server {

// Thread-safe. What it is given outlives the gRPC server.
class SweepService final : public v1::SweepService::CallbackService {
 public:
  struct Parts {
    Store* store;
    Pool* pool;
    Dispatcher* dispatcher;
    WatchHub* watch_hub;
    Telemetry* telemetry;
  };
  explicit SweepService(const Parts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* CreateSweep(grpc::CallbackServerContext* context,
                                        const v1::CreateSweepRequest* request,
                                        v1::Sweep* response) override;
  grpc::ServerUnaryReactor* GetSweep(grpc::CallbackServerContext* context,
                                     const v1::GetSweepRequest* request,
                                     v1::Sweep* response) override;
  grpc::ServerUnaryReactor* ListSweeps(grpc::CallbackServerContext* context,
                                       const v1::ListSweepsRequest* request,
                                       v1::ListSweepsResponse* response) override;
  grpc::ServerUnaryReactor* CancelSweep(grpc::CallbackServerContext* context,
                                        const v1::CancelSweepRequest* request,
                                        v1::Sweep* response) override;
  grpc::ServerUnaryReactor* RetryFailedJobs(grpc::CallbackServerContext* context,
                                            const v1::RetryFailedJobsRequest* request,
                                            v1::RetryFailedJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::SweepEvent>* WatchSweep(
      grpc::CallbackServerContext* context, const v1::WatchSweepRequest* request) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext* context,
                                        const v1::ListWorkersRequest* request,
                                        v1::ListWorkersResponse* response) override;

 private:
  absl::Status Create(const v1::CreateSweepRequest& request, v1::Sweep& response);
  absl::Status Fetch(const std::string& reference, v1::Sweep& response);
  absl::Status Cancel(const std::string& reference, v1::Sweep& response);
  absl::Status Retry(const std::string& reference, v1::RetryFailedJobsResponse& response);

  const Parts parts_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_SWEEP_SERVICE_H_
