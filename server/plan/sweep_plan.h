// From a request to a sweep: everything that can be wrong with it is found here, before anything is
// stored. Pure functions.
#ifndef ONDELETTE_SERVER_PLAN_SWEEP_PLAN_H_
#define ONDELETTE_SERVER_PLAN_SWEEP_PLAN_H_

#include "absl/status/statusor.h"
#include "ondelette/v1/sweep.pb.h"
#include "server/store/rows.h"

namespace ondelette::server {

inline constexpr int kMostModels = 256;
inline constexpr int kMostRevisions = 4096;
inline constexpr int64_t kMostCheckpoints = 20000;
inline constexpr int64_t kMostJobs = 2000000;
inline constexpr int64_t kMostSequencesPerJob = 4096;
inline constexpr size_t kLongestName = 256;    // bytes: of a sweep, corpus or request id
inline constexpr size_t kLongestModel = 1024;  // bytes: of a model or a revision

// INVALID_ARGUMENT (REQUEST_INVALID, SPEC_INVALID) names the field. FAILED_PRECONDITION
// CORPUS_EMPTY. Duplicates among models and revisions are removed, the first stays.
absl::StatusOr<NewSweep> PlanSweep(const v1::CreateSweepRequest& request,
                                   const StoredCorpus& corpus);

// The digest that tells a retried request from another one under its id.
std::string RequestBodyDigest(const v1::CreateSweepRequest& request);

// Where a name (of a sweep or corpus) is not text of 1 to kLongestName bytes without control
// characters: INVALID_ARGUMENT.
absl::Status CheckName(absl::string_view field, absl::string_view name);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_SWEEP_PLAN_H_
