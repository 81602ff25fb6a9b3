// The `analyze` frame, checked.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_REQUEST_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_REQUEST_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/frames/frame.h"

namespace ondelette::engine {

struct RequestSequence {
  int64_t index;                    // as the agent counts them
  std::span<const int32_t> tokens;  // in the frame's payload, not yet looked at
};

struct AnalyzeRequest {
  std::string job;
  Spec spec;
  std::vector<RequestSequence> sequences;
};

// Valid as long as the frame. INVALID_ARGUMENT FRAME_INVALID where fields or the payload's length
// do not fit, SPEC_INVALID for the spec.
absl::StatusOr<AnalyzeRequest> ReadAnalyzeRequest(const Frame& frame);

// The field "spec" of a header.
absl::StatusOr<Spec> SpecOf(const nlohmann::json& header);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_REQUEST_H_
