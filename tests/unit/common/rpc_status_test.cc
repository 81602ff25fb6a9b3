#include "common/rpc/rpc_status.h"

#include <gtest/gtest.h>

#include "common/errors/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace ondelette {
namespace {

TEST(RpcStatus, KeepsReasonAndRemedy) {
  absl::Status status =
      MakeError(absl::StatusCode::kNotFound, "SWEEP_UNKNOWN", "no sweep 'x'", "see ondelette list");
  absl::Status back = FromRpcStatus(ToRpcStatus(status));
  EXPECT_EQ(back.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(back), "SWEEP_UNKNOWN");
  EXPECT_EQ(ErrorText(back), ErrorText(status));
  absl::Status stored = FromErrorProto(ToErrorProto(status));
  EXPECT_EQ(ErrorText(stored), ErrorText(status));
  EXPECT_EQ(ToErrorProto(status).error_class(), v1::ERROR_CLASS_DETERMINISTIC);
}

TEST(RpcStatus, SendsRetryInfo) {
  grpc::Status sent = ToRpcStatus(absl::ResourceExhaustedError("full"), absl::Milliseconds(1500));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(sent.error_details()));
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(1).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

}  // namespace
}  // namespace ondelette
