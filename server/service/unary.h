// Unary calls, counted.
#ifndef ONDELETTE_SERVER_SERVICE_UNARY_H_
#define ONDELETTE_SERVER_SERVICE_UNARY_H_

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "server/service/reactors.h"
#include "server/telemetry.h"

namespace ondelette::server {

// RunUnary, with the outcome in ondelette_rpcs_total. `method` is a literal.
inline grpc::ServerUnaryReactor* CountedUnary(Pool& pool, Telemetry& telemetry, const char* method,
                                              grpc::CallbackServerContext* context,
                                              std::function<absl::Status()> body) {
  return RunUnary(pool, context, [&telemetry, method, body = std::move(body)] {
    absl::Status status = body();
    telemetry.CountRpc(method, static_cast<int>(status.code()));
    return status;
  });
}

// 100 by default, 1000 at most.
inline int PageSize(int asked) { return asked <= 0 ? 100 : std::min(asked, 1000); }

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_UNARY_H_
