// Aggregates of a layer's heads as they come packed.
#ifndef ONDELETTE_CLIENT_COMMANDS_AGGREGATE_BLOCK_H_
#define ONDELETTE_CLIENT_COMMANDS_AGGREGATE_BLOCK_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "ondelette/v1/results.pb.h"

namespace ondelette::client {

// Calls `take` with each of the block's rows, in their order; the row is the callee's until it
// returns. DATA_LOSS BLOCK_INVALID where the bytes are not as many as the heads and metrics need:
// then no row is taken.
absl::Status ForEachRow(const v1::AggregateBlock& block,
                        absl::FunctionRef<void(const v1::AggregateRow& row)> take);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_AGGREGATE_BLOCK_H_
