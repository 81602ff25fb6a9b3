// What every error carries besides its absl::StatusCode and its message: a reason that programs can
// match on and a remedy that people can act on. They travel as payloads of absl::Status, and over
// gRPC as google.rpc details.
//
// The message says what happened and to which file, tensor, field or job; the remedy says what to
// do about it.
#ifndef ONDELETTE_COMMON_ERRORS_ERRORS_H_
#define ONDELETTE_COMMON_ERRORS_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// The domain of every reason below, as google.rpc.ErrorInfo has it.
inline constexpr absl::string_view kErrorDomain = "ondelette";

// Builds a status. `reason` is UPPER_SNAKE_CASE and part of the interface ("CHECKPOINT_CORRUPT").
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view remedy = "");

// The parts of a status made by MakeError; empty where it has none.
std::string ErrorReason(const absl::Status& status);
std::string ErrorRemedy(const absl::Status& status);

// One line for people: "message (remedy)".
std::string ErrorText(const absl::Status& status);

// How the queue treats a failed job (DESIGN: error classes).
enum class ErrorClass {
  kDeterministic,   // will happen again: fail the job at once
  kTransient,       // may pass: retry with back-off, counts as an attempt
  kInfrastructure,  // a lost worker or engine: retry, costs no attempt
};

// Deterministic: INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED,
// DATA_LOSS, ALREADY_EXISTS, PERMISSION_DENIED, UNAUTHENTICATED. Infrastructure: CANCELLED,
// ABORTED. The rest is transient.
ErrorClass ClassOf(const absl::Status& status);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_ERRORS_ERRORS_H_
