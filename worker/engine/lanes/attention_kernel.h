// Softmax attention of two blocks of sixteen queries at a time, on the CPU: scores against keys that
// lie packed in cache, probabilities as lanes, ready for the analysis, and their product with the
// values. By tile registers the two blocks share every reading of keys and values.
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
  const float* key;  // [tokens, head_dim]
  int64_t key_stride;
  const float* value;  // [tokens, head_dim]
  int64_t value_stride;
  const float* packed;  // both, as PackHead leaves them
  int64_t tokens, head_dim;
  // As AttentionRule (model/attention.h) has them.
  float scale, softcap;
  bool causal;
  int64_t window;
  const float* distance_bias;  // [2 tokens - 1], or nullptr
};

inline constexpr int64_t kBlocksTogether = 2;
// The query behind those of the blocks that begin with `first_query`.
inline int64_t BlocksEnd(const AttentionHead& head, int64_t first_query) {
  const int64_t end = first_query + kBlocksTogether * kLaneCount;
  return end < head.tokens ? end : head.tokens;
}
// How many blocks so many queries are.
inline int64_t BlocksOf(int64_t queries) { return (queries + kLaneCount - 1) / kLaneCount; }

// Room for a block's numbers, [keys][kLaneCount]: scores come by 32 keys.
inline int64_t BlockKeys(int64_t tokens) { return (tokens + 31) / 32 * 32; }

namespace lane_kernels {

// How many numbers a packed head has, and how many the work space of the others has; both are
// aligned to 64 bytes.
using HeadSpace = int64_t(int64_t tokens, int64_t head_dim);
using AttentionSpace = int64_t(int64_t head_dim);

// Packs the keys and, where they will be mixed, the values.
using PackHead = void(const AttentionHead& head, bool mixed, float* packed);

// Fills `values`, kBlocksTogether times [BlockKeys(tokens)][kLaneCount], with the probabilities of
// the queries from `first_query` to BlocksEnd, exactly 0 where masked, and `blocks` with the blocks
// (of head 0) that there are.
using Probabilities = void(const AttentionHead& head, int64_t first_query, float* scratch,
                           float* values, LaneBlock* blocks);

// Writes the blocks' probabilities times the values to `output`, a row a query, `stride` numbers
// apart.
using MixValues = void(const AttentionHead& head, const LaneBlock* blocks, float* scratch,
                       float* output, int64_t stride);

}  // namespace lane_kernels
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_ATTENTION_KERNEL_H_
