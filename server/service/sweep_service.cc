#include "server/service/sweep_service.h"

#include <utility>

#include "server/plan/sweep_plan.h"
#include "server/service/reactors.h"
#include "server/service/unary.h"
#include "server/store/to_proto.h"

namespace ondelette::server {

grpc::ServerUnaryReactor* SweepService::CreateSweep(grpc::CallbackServerContext* context,
                                                    const v1::CreateSweepRequest* request,
                                                    v1::Sweep* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "CreateSweep", context,
                      [this, request, response] { return Create(*request, *response); });
}

absl::Status SweepService::Create(const v1::CreateSweepRequest& request, v1::Sweep& response) {
  // A name is needed to look for a corpus with; what else is wrong PlanSweep says.
  if (absl::Status status = CheckName("corpus", request.corpus()); !status.ok()) return status;
  auto corpus = parts_.store->FindCorpus(request.corpus());
  if (!corpus.ok()) return corpus.status();
  auto plan = PlanSweep(request, *corpus);
  if (!plan.ok()) return plan.status();
  auto sweep = parts_.store->CreateSweep(*plan, absl::Now());
  if (!sweep.ok()) return sweep.status();
  return Fetch(sweep->id, response);
}

absl::Status SweepService::Fetch(const std::string& reference, v1::Sweep& response) {
  auto sweep = parts_.store->FindSweep(reference);
  if (!sweep.ok()) return sweep.status();
  auto checkpoints = parts_.store->Checkpoints(sweep->id);
  if (!checkpoints.ok()) return checkpoints.status();
  response = ToProto(*sweep, *checkpoints);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* SweepService::GetSweep(grpc::CallbackServerContext* context,
                                                 const v1::GetSweepRequest* request,
                                                 v1::Sweep* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "GetSweep", context,
                      [this, request, response] { return Fetch(request->sweep(), *response); });
}

grpc::ServerUnaryReactor* SweepService::ListSweeps(grpc::CallbackServerContext* context,
                                                   const v1::ListSweepsRequest* request,
                                                   v1::ListSweepsResponse* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "ListSweeps", context,
                      [this, request, response]() -> absl::Status {
                        auto page = parts_.store->ListSweeps(PageSize(request->page_size()),
                                                             request->page_token());
                        if (!page.ok()) return page.status();
                        for (const StoredSweep& sweep : page->items)
                          *response->add_sweeps() = ToProto(sweep, {});
                        response->set_next_page_token(page->next);
                        return absl::OkStatus();
                      });
}

grpc::ServerUnaryReactor* SweepService::CancelSweep(grpc::CallbackServerContext* context,
                                                    const v1::CancelSweepRequest* request,
                                                    v1::Sweep* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "CancelSweep", context,
                      [this, request, response] { return Cancel(request->sweep(), *response); });
}

absl::Status SweepService::Cancel(const std::string& reference, v1::Sweep& response) {
  auto sweep = parts_.store->FindSweep(reference);
  if (!sweep.ok()) return sweep.status();
  auto revoked = parts_.store->CancelSweep(sweep->id, absl::Now());
  if (!revoked.ok()) return revoked.status();
  if (!revoked->empty()) parts_.dispatcher->Revoke(*std::move(revoked), "sweep cancelled");
  return Fetch(sweep->id, response);
}

grpc::ServerUnaryReactor* SweepService::RetryFailedJobs(grpc::CallbackServerContext* context,
                                                        const v1::RetryFailedJobsRequest* request,
                                                        v1::RetryFailedJobsResponse* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "RetryFailedJobs", context,
                      [this, request, response] { return Retry(request->sweep(), *response); });
}

absl::Status SweepService::Retry(const std::string& reference,
                                 v1::RetryFailedJobsResponse& response) {
  auto sweep = parts_.store->FindSweep(reference);
  if (!sweep.ok()) return sweep.status();
  auto outcome = parts_.store->RetryFailed(sweep->id, absl::Now());
  if (!outcome.ok()) return outcome.status();
  response.set_jobs(outcome->jobs);
  response.set_checkpoints(outcome->checkpoints);
  return Fetch(sweep->id, *response.mutable_sweep());
}

grpc::ServerWriteReactor<v1::SweepEvent>* SweepService::WatchSweep(
    grpc::CallbackServerContext* context, const v1::WatchSweepRequest* request) {
  return parts_.watch_hub->Watch(context, *request);
}

grpc::ServerUnaryReactor* SweepService::ListJobs(grpc::CallbackServerContext* context,
                                                 const v1::ListJobsRequest* request,
                                                 v1::ListJobsResponse* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "ListJobs", context,
                      [this, request, response]() -> absl::Status {
                        auto sweep = parts_.store->FindSweep(request->sweep());
                        if (!sweep.ok()) return sweep.status();
                        auto page = parts_.store->ListJobs(sweep->id, request->state(),
                                                           PageSize(request->page_size()),
                                                           request->page_token());
                        if (!page.ok()) return page.status();
                        for (const StoredJob& job : page->items)
                          *response->add_jobs() = ToProto(job);
                        response->set_next_page_token(page->next);
                        return absl::OkStatus();
                      });
}

grpc::ServerUnaryReactor* SweepService::ListWorkers(grpc::CallbackServerContext* context,
                                                    const v1::ListWorkersRequest*,
                                                    v1::ListWorkersResponse* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "ListWorkers", context,
                      [this, response]() -> absl::Status {
                        for (v1::Worker& worker : parts_.dispatcher->Workers())
                          *response->add_workers() = std::move(worker);
                        return absl::OkStatus();
                      });
}

}  // namespace ondelette::server
