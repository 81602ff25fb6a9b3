#include "common/rpc/rpc_status.h"

#include <string>

#include "common/errors/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace ondelette {
namespace {

constexpr char kRemedyKey[] = "remedy";

absl::string_view View(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

grpc::Status ToRpcStatus(const absl::Status& status, absl::Duration retry_after) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  google::rpc::ErrorInfo info;
  info.set_reason(ErrorReason(status));
  info.set_domain(std::string(kErrorDomain));
  if (std::string remedy = ErrorRemedy(status); !remedy.empty())
    (*info.mutable_metadata())[kRemedyKey] = remedy;
  details.add_details()->PackFrom(info);
  if (retry_after > absl::ZeroDuration()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(retry_after));
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(retry_after % absl::Seconds(1))));
    details.add_details()->PackFrom(retry);
  }
  return {static_cast<grpc::StatusCode>(status.code()), details.message(),
          details.SerializeAsString()};
}

absl::Status FromRpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason;
  std::string remedy;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : details.details()) {
      google::rpc::ErrorInfo info;
      if (!any.UnpackTo(&info)) continue;
      reason = info.reason();
      auto found = info.metadata().find(kRemedyKey);
      if (found != info.metadata().end()) remedy = found->second;
    }
  }
  if (reason.empty() && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    reason = "COORDINATOR_UNREACHABLE";
    remedy = "check that ondelette-server runs at that address, then try again";
  }
  return MakeError(static_cast<absl::StatusCode>(status.error_code()), reason,
                   View(status.error_message()), remedy);
}

v1::Error ToErrorProto(const absl::Status& status) {
  v1::Error error;
  error.set_code(static_cast<int>(status.code()));
  error.set_reason(ErrorReason(status));
  error.set_message(std::string(status.message()));
  error.set_remedy(ErrorRemedy(status));
  switch (ClassOf(status)) {
    case ErrorClass::kDeterministic:
      error.set_error_class(v1::ERROR_CLASS_DETERMINISTIC);
      break;
    case ErrorClass::kTransient:
      error.set_error_class(v1::ERROR_CLASS_TRANSIENT);
      break;
    case ErrorClass::kInfrastructure:
      error.set_error_class(v1::ERROR_CLASS_INFRASTRUCTURE);
      break;
  }
  return error;
}

absl::Status FromErrorProto(const v1::Error& error) {
  int code = error.code();
  if (code < 1 || code > 16) code = static_cast<int>(absl::StatusCode::kUnknown);
  return MakeError(static_cast<absl::StatusCode>(code), error.reason(), error.message(),
                   error.remedy());
}

}  // namespace ondelette
