// T5's position information: a bias on the scores by the distance from query to key (arXiv
// 1910.10683, section 2.1).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_RELATIVE_BIAS_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_RELATIVE_BIAS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ondelette::engine {

// How distances share biases. Short ones have one each, longer ones one for every stretch of equal
// ratio, those from max_distance on the last. Both ways, keys before and after the query have half of
// the buckets each; else all keys after it have bucket 0.
struct RelativeBuckets {
  int64_t count;         // at least 4
  int64_t max_distance;  // above count / 2
  bool both_ways;

  // Bucket of the key `offset` tokens after the query. Rounds as transformers'
  // _relative_position_bucket, whose logarithm is float32.
  int64_t Of(int64_t offset) const;
};

// AttentionRule::distance_bias, [heads, 2 tokens - 1], of bucket biases [count, heads].
at::Tensor DistanceBias(const RelativeBuckets& buckets, const at::Tensor& biases, int64_t tokens);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_RELATIVE_BIAS_H_
