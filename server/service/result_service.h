// ResultService: records, aggregates, correlations and controls of a sweep, streamed while it runs
// and afterwards.
#ifndef ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_
#define ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/time/time.h"
#include "server/service/pool.h"
#include "server/store/store.h"

namespace ondelette::server {

// A reader that takes nothing for so long is cut off (CANCELLED).
inline constexpr absl::Duration kStalledReader = absl::Seconds(60);

// Store and pool outlive the server that the service is registered with; shut that server down
// before the pool. Streams read from the store on the pool, one batch (at most 1,000 rows, under 1
// MB) at a time, and the next only when the transport took the last: a slow reader holds neither a
// thread nor a transaction.
std::unique_ptr<grpc::Service> MakeResultService(Store& store, Pool& pool,
                                                 absl::Duration stalled_reader = kStalledReader);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_RESULT_SERVICE_H_
