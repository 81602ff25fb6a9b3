// absl::Status over gRPC: code and message as they are, reason and remedy as google.rpc.ErrorInfo,
// the wait before a retry as google.rpc.RetryInfo, so that any client's tools can read them.
#ifndef ONDELETTE_COMMON_RPC_RPC_STATUS_H_
#define ONDELETTE_COMMON_RPC_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ondelette/v1/errors.pb.h"

namespace ondelette {

// `retry_after` is sent when it is positive.
grpc::Status ToRpcStatus(const absl::Status& status,
                         absl::Duration retry_after = absl::ZeroDuration());

// The status of a call that failed. A peer that is not there (UNAVAILABLE without details) is told
// as such.
absl::Status FromRpcStatus(const grpc::Status& status);

// An error as jobs and checkpoints keep it.
v1::Error ToErrorProto(const absl::Status& status);
absl::Status FromErrorProto(const v1::Error& error);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_RPC_RPC_STATUS_H_
