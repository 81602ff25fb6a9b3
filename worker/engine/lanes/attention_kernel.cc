// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/attention_kernel.h"

#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/softmax_lanes.h"
#include "worker/engine/lanes/transpose.h"

namespace ondelette::engine {
namespace {

// How many vectors of sums fit in registers.
constexpr int kWide = kWidth == 16 ? 16 : 8;

// c[j] = sum over t of a[t] b[t step + j], j < count: one part of the lanes after the other.
template <int count>
inline void Products(const Lanes* a, const float* b, int64_t step, int64_t steps, Lanes* c) {
  for (int part = 0; part < kParts; ++part) {
    const float* at = b;
    Lanes::Part sums[count] = {};
    for (int64_t t = 0; t < steps; ++t, at += step) {
      const Lanes::Part x = a[t].part[part];
#pragma GCC unroll 16
      for (int j = 0; j < count; ++j) sums[j] += x * at[j];
    }
    for (int j = 0; j < count; ++j) c[j].part[part] = sums[j];
  }
}

inline void AllProducts(const Lanes* a, const float* b, int64_t step, int64_t steps, int64_t count,
                        Lanes* c) {
  const int64_t whole = count / kWide * kWide;
  for (int64_t j = 0; j < whole; j += kWide) Products<kWide>(a, b + j, step, steps, c + j);
  for (int64_t j = whole; j < count; ++j) Products<1>(a, b + j, step, steps, c + j);
}

// Sixteen rows of `count` numbers, at most kLaneCount, as columns; rows behind `rows` are the last
// again.
inline void LoadColumns(const float* from, int64_t stride, int64_t rows, int64_t count,
                        Lanes* columns) {
  for (int64_t row = 0; row < kLanes; ++row) {
    const float* at = from + (row < rows ? row : rows - 1) * stride;
    columns[row] = LoadSome(at, count);
  }
  Transpose(columns);
}

// Query lanes times the scale, [head_dim].
inline void PackQueries(const AttentionHead& head, int64_t first, int64_t queries, Lanes* packed) {
  Lanes columns[kLanes];
  for (int64_t k = 0; k < head.head_dim; k += kLanes) {
    const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
    LoadColumns(head.query + first * head.query_stride + k, head.query_stride, queries, count,
                columns);
    for (int64_t j = 0; j < count; ++j) packed[k + j] = columns[j] * head.scale;
  }
}

}  // namespace

namespace ONDELETTE_LANES {

int64_t HeadSpace(int64_t tokens, int64_t head_dim) { return BlockKeys(tokens) * head_dim; }

int64_t AttentionSpace(int64_t head_dim) { return head_dim * kLaneCount; }

// Keys by sixteen: number k of keys 16 b.. 16 b + 15 lies together.
void PackHead(const AttentionHead& head, bool /*mixed*/, float* packed) {
  Lanes columns[kLanes];
  for (int64_t first = 0; first < head.tokens; first += kLanes, packed += kLanes * head.head_dim) {
    const int64_t rows = head.tokens - first < kLanes ? head.tokens - first : kLanes;
    for (int64_t k = 0; k < head.head_dim; k += kLanes) {
      const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
      LoadColumns(head.key + first * head.key_stride + k, head.key_stride, rows, count, columns);
      for (int64_t j = 0; j < count; ++j) Store(columns[j], packed + (k + j) * kLanes);
    }
  }
}

void Probabilities(const AttentionHead& head, int64_t first_query, float* scratch, float* values,
                   LaneBlock* blocks) {
  auto* packed = reinterpret_cast<Lanes*>(scratch);
  const int64_t end = BlocksEnd(head, first_query);
  for (int64_t first = first_query; first < end; first += kLanes) {
    const int64_t queries = end - first < kLanes ? end - first : kLanes;
    auto* scores = reinterpret_cast<Lanes*>(values);
    const LaneBlock block = BlockOf(head, first, queries, values);
    PackQueries(head, first, queries, packed);
    const int64_t first_panel = block.first_seen / kLanes;
    for (int64_t panel = first_panel; panel * kLanes < block.end_seen; ++panel) {
      AllProducts(packed, head.packed + panel * kLanes * head.head_dim, kLanes, head.head_dim,
                  kLanes, scores + panel * kLanes);
    }
    Softmax(head, block, scores);
    *blocks++ = block;
    values += BlockKeys(head.tokens) * kLaneCount;
  }
}

void MixValues(const AttentionHead& head, const LaneBlock* blocks, float* scratch, float* output,
               int64_t stride) {
  // A stretch of probabilities stays in the nearest cache for all of head_dim, and sums over
  // thousands of keys are rounded by stretches.
  constexpr int64_t kStretch = 256;
  auto* mixed = reinterpret_cast<Lanes*>(scratch);
  const int64_t first_query = blocks->first_query, end = BlocksEnd(head, first_query);
  for (const LaneBlock* block = blocks; block < blocks + BlocksOf(end - first_query); ++block) {
    const auto* probabilities = reinterpret_cast<const Lanes*>(block->values);
    for (int64_t k = 0; k < head.head_dim; ++k) mixed[k] = Lanes{};
    for (int64_t key = block->first_seen; key < block->end_seen; key += kStretch) {
      const int64_t keys = block->end_seen - key < kStretch ? block->end_seen - key : kStretch;
      for (int64_t k = 0; k < head.head_dim; k += kLanes) {
        const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
        Lanes part[kLanes];
        AllProducts(probabilities + key, head.value + key * head.value_stride + k,
                    head.value_stride, keys, count, part);
        for (int64_t j = 0; j < count; ++j) mixed[k + j] += part[j];
      }
    }
    StoreMixed(mixed, head, block->queries, output + (block->first_query - first_query) * stride,
               stride);
  }
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
