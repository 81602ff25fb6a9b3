// The list that --checkpoints takes:
//   step0,step1..step512,step1000:143000:1000,main
//   NAME          itself
//   A..B          doubles: step1..step512 is step1, step2, step4, ..., step512 (B must be A times a
//   power of two) A:B:STRIDE    from A to B in strides, both included
#ifndef ONDELETTE_CLIENT_COMMANDS_CHECKPOINT_LIST_H_
#define ONDELETTE_CLIENT_COMMANDS_CHECKPOINT_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::client {

inline constexpr size_t kMostCheckpoints = 10'000;

// The names in the order written, each once. INVALID_ARGUMENT names the part that cannot be read.
absl::StatusOr<std::vector<std::string>> ExpandCheckpoints(absl::string_view list);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_CHECKPOINT_LIST_H_
