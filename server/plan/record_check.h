// Whether what a worker sent as a job's result can be one. Pure functions.
#ifndef ONDELETTE_SERVER_PLAN_RECORD_CHECK_H_
#define ONDELETTE_SERVER_PLAN_RECORD_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "ondelette/v1/work.pb.h"
#include "server/store/rows.h"

namespace ondelette::server {

inline constexpr int64_t kMostRecordBytes = 256 << 20;  // of one job
inline constexpr int64_t kMostPieceBytes = 1 << 20;     // of one RecordBlock

// The result as it is committed. INVALID_ARGUMENT RECORDS_INVALID where bytes, digest, shape or
// sequences do not fit each other, the lease or the spec's columns. `records` are the pieces in
// order, `digest` their SHA-256.
absl::StatusOr<JobResult> CheckResult(const v1::JobSucceeded& message, const GrantedLease& lease,
                                      int columns, std::string records, std::string digest);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_RECORD_CHECK_H_
