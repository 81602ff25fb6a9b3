#include "common/errors/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace ondelette {
namespace {

constexpr absl::string_view kReasonUrl = "ondelette/reason";
constexpr absl::string_view kRemedyUrl = "ondelette/remedy";

std::string Payload(const absl::Status& status, absl::string_view url) {
  absl::optional<absl::Cord> payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view remedy) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  if (!remedy.empty()) status.SetPayload(kRemedyUrl, absl::Cord(remedy));
  return status;
}

std::string ErrorReason(const absl::Status& status) { return Payload(status, kReasonUrl); }

std::string ErrorRemedy(const absl::Status& status) { return Payload(status, kRemedyUrl); }

std::string ErrorText(const absl::Status& status) {
  std::string remedy = ErrorRemedy(status);
  if (remedy.empty()) return std::string(status.message());
  return absl::StrCat(status.message(), " (", remedy, ")");
}

ErrorClass ClassOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ErrorClass::kDeterministic;
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return ErrorClass::kInfrastructure;
    default:
      return ErrorClass::kTransient;
  }
}

}  // namespace ondelette
