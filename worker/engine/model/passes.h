// The one step of a layer that passes take each on their own: attention.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PASSES_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PASSES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "worker/engine/model/attention.h"
#include "worker/engine/model/model.h"

namespace ondelette::engine {

// Where the tokens of a pass lie among the rows.
struct PassRows {
  int64_t first, tokens;
  at::Tensor Of(const at::Tensor& rows) const { return rows.narrow(0, first, tokens); }
};

// What Attention takes of a pass.
struct PassAttention {
  at::Tensor query, key, value;  // value undefined where the output is not needed
  AttentionRule rule;
};

// Attention of one pass after the other. `prepare` is asked for each when its turn comes, so that
// no more than one pass's queries and keys exist beside the rows. Returns the heads side by side,
// [rows, heads * head_dim], or an undefined tensor where the output is not needed.
at::Tensor AttendPasses(std::span<const int64_t> lengths, PassObservers observers,
                        bool output_needed, absl::FunctionRef<PassAttention(PassRows)> prepare);

// Observers for attention that nobody looks at.
AttentionObserver Unobserved(size_t pass);

// The most tokens a pass has.
int64_t LongestPass(std::span<const int64_t> lengths);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PASSES_H_
