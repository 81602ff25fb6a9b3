#include "worker/engine/model/passes.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>

namespace ondelette::engine {
at::Tensor AttendPasses(std::span<const int64_t> lengths, PassObservers observers,
                        bool output_needed, absl::FunctionRef<PassAttention(PassRows)> prepare) {
  const int64_t rows = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  at::Tensor output;
  PassRows place{0, 0};
  for (size_t pass = 0; pass < lengths.size(); ++pass) {
    place = {place.first + place.tokens, lengths[pass]};
    const PassAttention given = prepare(place);
    at::Tensor mixed =
        Attention(given.query, given.key, given.value, given.rule, observers(pass), output_needed);
    if (!output_needed) continue;
    if (lengths.size() == 1) return mixed;
    if (!output.defined()) output = at::empty({rows, mixed.size(1)}, mixed.options());
    place.Of(output).copy_(mixed);
  }
  return output;
}

AttentionObserver Unobserved(size_t /*pass*/) { return {}; }

int64_t LongestPass(std::span<const int64_t> lengths) {
  return *std::max_element(lengths.begin(), lengths.end());
}

}  // namespace ondelette::engine
