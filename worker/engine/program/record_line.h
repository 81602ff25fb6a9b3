// A record as a line of JSON.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_RECORD_LINE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_RECORD_LINE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/spec/columns.h"

namespace ondelette::engine {

// {"sequence": "...", "layer": 0, "head": 0, "metrics": {"spectral_entropy": 2.27, ...}} and a
// newline. Lists are lists, NaN is null, numbers have the digits that give the float32 back. Where
// rows were not finite, "non_finite_rows": k stands before the metrics.
std::string RecordLine(const std::vector<Column>& columns, const std::string& sequence,
                       int64_t layer, int64_t head, std::span<const float> values);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_RECORD_LINE_H_
