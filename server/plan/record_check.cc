#include "server/plan/record_check.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

constexpr int32_t kMostLayers = 1 << 12;
constexpr int32_t kMostHeads = 1 << 12;
constexpr size_t kLongestText = 1024;

absl::Status Invalid(const GrantedLease& lease, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RECORDS_INVALID",
                   absl::StrCat("the records of job ", lease.key.job, " (", lease.model, "@",
                                lease.revision, ", sequences ", lease.first_sequence, "+",
                                lease.sequences, ") were refused: ", problem),
                   "run a worker and a coordinator of the same version");
}

// Every sequence of the lease is measured or skipped, once, and in order.
absl::Status CheckSequences(const v1::JobSucceeded& message, const GrantedLease& lease) {
  if (message.measured_size() + message.skipped_size() != lease.sequences) {
    return Invalid(lease,
                   absl::StrCat(message.measured_size(), " measured and ", message.skipped_size(),
                                " skipped sequences are not ", lease.sequences));
  }
  std::vector<bool> seen(lease.sequences, false);
  auto visit = [&](int64_t sequence) {
    // Compared before it is subtracted: a hostile number would overflow.
    if (sequence < lease.first_sequence) return false;
    const int64_t index = sequence - lease.first_sequence;
    if (index >= lease.sequences || seen[index]) return false;
    seen[index] = true;
    return true;
  };
  int64_t last = -1;
  for (const v1::MeasuredSequence& measured : message.measured()) {
    if (!visit(measured.sequence()) || measured.sequence() <= last) {
      return Invalid(lease, absl::StrCat("measured sequence ", measured.sequence(),
                                         " is outside the job, repeated or out of order"));
    }
    if (measured.tokens_digest().size() > kLongestText)
      return Invalid(lease, "a digest is too long");
    last = measured.sequence();
  }
  for (const v1::SkippedSequence& skipped : message.skipped()) {
    if (!visit(skipped.sequence())) {
      return Invalid(lease, absl::StrCat("skipped sequence ", skipped.sequence(),
                                         " is outside the job or repeated"));
    }
    if (skipped.reason().size() > kLongestText) return Invalid(lease, "a reason is too long");
  }
  return absl::OkStatus();
}

absl::Status CheckShape(const v1::JobSucceeded& message, const GrantedLease& lease, int columns,
                        int64_t bytes, absl::string_view digest) {
  if (message.columns() != columns) {
    return Invalid(lease,
                   absl::StrCat(message.columns(), " columns, where the spec has ", columns));
  }
  const bool measured = message.measured_size() > 0;
  if (message.layers() < (measured ? 1 : 0) || message.layers() > kMostLayers ||
      message.heads() < (measured ? 1 : 0) || message.heads() > kMostHeads) {
    return Invalid(lease, absl::StrCat(message.layers(), " layers of ", message.heads(), " heads"));
  }
  // At most 4096 x 4096 x 4096 x a few hundred columns x 4: fits in 64 bits.
  const int64_t expected = int64_t{message.measured_size()} * message.layers() * message.heads() *
                           columns * static_cast<int64_t>(sizeof(float));
  if (bytes != expected || message.record_bytes() != expected) {
    return Invalid(lease, absl::StrCat(bytes, " bytes came, ", message.record_bytes(),
                                       " were announced, and the shape needs ", expected));
  }
  if (message.record_digest() != digest) {
    return Invalid(lease, "their SHA-256 is not the one announced");
  }
  for (const std::string* text :
       {&message.architecture(), &message.engine_version(), &message.device(), &message.dtype()}) {
    if (text->size() > kLongestText) return Invalid(lease, "a name is too long");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobResult> CheckResult(const v1::JobSucceeded& message, const GrantedLease& lease,
                                      int columns, std::string records, std::string digest) {
  if (absl::Status status = CheckSequences(message, lease); !status.ok()) return status;
  if (absl::Status status =
          CheckShape(message, lease, columns, static_cast<int64_t>(records.size()), digest);
      !status.ok()) {
    return status;
  }
  JobResult result;
  result.layers = message.layers();
  result.heads = message.heads();
  result.columns = columns;
  for (const v1::MeasuredSequence& measured : message.measured())
    result.measured.push_back({measured.sequence(), measured.tokens_digest()});
  for (const v1::SkippedSequence& skipped : message.skipped())
    result.skipped.push_back({skipped.sequence(), skipped.reason()});
  result.records = std::move(records);
  result.record_digest = std::move(digest);
  result.architecture = message.architecture();
  result.engine_version = message.engine_version();
  result.device = message.device();
  result.dtype = message.dtype();
  result.compute_seconds = message.compute_seconds();
  result.load_seconds = message.load_seconds();
  return result;
}

}  // namespace ondelette::server
