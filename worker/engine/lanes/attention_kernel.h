// Softmax attention of sixteen queries at a time, on the CPU: scores against keys that lie packed in
// cache, probabilities as lanes, ready for the analysis, and their product with the values.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_ATTENTION_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_LANES_ATTENTION_KERNEL_H_

#include <cstdint>

#include "worker/engine/lanes/lane_block.h"

namespace ondelette::engine {

// One head of one sequence, all float32. Rows are `..._stride` numbers apart, a row's numbers lie
// together.
struct AttentionHead {
  const float* query;  // [tokens, head_dim]
  int64_t query_stride;
  const float* packed_keys;  // as PackKeys leaves them
  const float* value;        // [tokens, head_dim]
  int64_t value_stride;
  int64_t tokens, head_dim;
  // As AttentionRule (model/attention.h) has them.
  float scale, softcap;
  bool causal;
  int64_t window;
  const float* distance_bias;  // [2 tokens - 1], or nullptr
};

// Room for a block's numbers, [keys][kLaneCount]: scores come by sixteen keys.
inline int64_t BlockKeys(int64_t tokens) {
  return (tokens + kLaneCount - 1) / kLaneCount * kLaneCount;
}

namespace lane_kernels {

// Keys [tokens, head_dim] by sixteen: number k of keys 16 b.. 16 b + 15 lies together. `packed` has
// room for BlockKeys(tokens) * head_dim numbers.
using PackKeys = void(const float* key, int64_t stride, int64_t tokens, int64_t head_dim,
                      float* packed);

// Fills `values` [BlockKeys(tokens)][kLaneCount] with the probabilities of `queries` queries from
// `first_query` on, exactly 0 where masked. Returns them as a block (of head 0). `scratch` has room
// for head_dim x kLaneCount numbers.
using Probabilities = LaneBlock(const AttentionHead& head, int64_t first_query, int64_t queries,
                                float* scratch, float* values);

// Writes the block's probabilities times the values to `output`, a row a query, `stride` numbers
// apart. The same scratch.
using MixValues = void(const AttentionHead& head, const LaneBlock& block, float* scratch,
                       float* output, int64_t stride);

}  // namespace lane_kernels
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_ATTENTION_KERNEL_H_
