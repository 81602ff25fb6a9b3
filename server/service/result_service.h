// ResultService: records, aggregates, correlations and controls of a sweep, streamed while it runs
// and afterwards.
#ifndef ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_
#define ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "server/service/pool.h"
#include "server/service/stall_guard.h"
#include "server/store/store.h"

namespace ondelette::server {

// All three outlive the server that the service is registered with, and the service. Streams read
// from the store on the pool, one batch (at most 1,000 rows, about 512 KB) at a time, and the next
// only when the transport took the last: a slow reader holds neither a thread nor a transaction,
// and one that takes nothing is cut off by the guard.
std::unique_ptr<grpc::Service> MakeResultService(Store& store, Pool& pool, StallGuard& guard);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_
