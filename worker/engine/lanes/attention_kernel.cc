// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/attention_kernel.h"

#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lanes.h"
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

// Scores of one key as the rule leaves them, -inf where masked: no finite constant, for real scores
// reach -110,000.
inline Lanes Ruled(const AttentionHead& head, int64_t first_query, int64_t key, Lanes score) {
  if (head.distance_bias != nullptr) {
    const float* bias = head.distance_bias + key - first_query + head.tokens - 1;
    // Lanes behind the last query read its bias again.
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      score[lane] += *(first_query + lane < head.tokens ? bias - lane
                                                        : bias - (head.tokens - 1 - first_query));
    }
  }
  if (head.softcap != 0) score = Tanh(score / head.softcap) * head.softcap;
  if (!head.causal) return score;
  const IntLanes distance = static_cast<int32_t>(first_query - key) + LaneNumbers();
  const Lanes hidden = Splat(-__builtin_inff());
  if (key > first_query) score = Select(distance < 0, hidden, score);
  if (head.window != 0)
    score = Select(distance >= static_cast<int32_t>(head.window), hidden, score);
  return score;
}

// Scores of keys first..end-1 become probabilities. Lanes behind the last query become zeros.
inline void Softmax(const AttentionHead& head, const LaneBlock& block, Lanes* scores) {
  Lanes most = Splat(-__builtin_inff());
  for (int64_t key = block.first_seen; key < block.end_seen; ++key) {
    const Lanes score = Ruled(head, block.first_query, key, scores[key]);
    scores[key] = score;
    most = Max(score, most);
  }
  LaneSum sum;
  for (int64_t key = block.first_seen; key < block.end_seen; ++key) {
    scores[key] = Exp(scores[key] - most);
    sum.Add(scores[key]);
  }
  const Lanes share =
      Select(LaneNumbers() < static_cast<int32_t>(block.queries), 1.0f / sum.Take(), Lanes{});
  for (int64_t key = block.first_seen; key < block.end_seen; ++key) {
    scores[key] = Select(share == 0.0f, Lanes{}, scores[key] * share);
  }
}

}  // namespace

namespace ONDELETTE_LANES {

void PackKeys(const float* key, int64_t stride, int64_t tokens, int64_t head_dim, float* packed) {
  Lanes columns[kLanes];
  for (int64_t first = 0; first < tokens; first += kLanes, packed += kLanes * head_dim) {
    const int64_t rows = tokens - first < kLanes ? tokens - first : kLanes;
    for (int64_t k = 0; k < head_dim; k += kLanes) {
      const int64_t count = head_dim - k < kLanes ? head_dim - k : kLanes;
      LoadColumns(key + first * stride + k, stride, rows, count, columns);
      for (int64_t j = 0; j < count; ++j) Store(columns[j], packed + (k + j) * kLanes);
    }
  }
}

LaneBlock Probabilities(const AttentionHead& head, int64_t first_query, int64_t queries,
                        float* scratch, float* values) {
  auto* packed = reinterpret_cast<Lanes*>(scratch);
  auto* scores = reinterpret_cast<Lanes*>(values);
  PackQueries(head, first_query, queries, packed);
  LaneBlock block{0, first_query, queries, head.tokens, 0, head.tokens, values};
  if (head.causal) {
    block.end_seen = first_query + queries;
    const int64_t left = first_query - head.window + 1;
    if (head.window != 0 && left > 0) block.first_seen = left;
  }
  const int64_t first_panel = block.first_seen / kLanes;
  for (int64_t panel = first_panel; panel * kLanes < block.end_seen; ++panel) {
    AllProducts(packed, head.packed_keys + panel * kLanes * head.head_dim, kLanes, head.head_dim,
                kLanes, scores + panel * kLanes);
  }
  Softmax(head, block, scores);
  for (int64_t key = 0; key < block.first_seen; ++key) scores[key] = Lanes{};
  for (int64_t key = block.end_seen; key < head.tokens; ++key) scores[key] = Lanes{};
  return block;
}

void MixValues(const AttentionHead& head, const LaneBlock& block, float* scratch, float* output,
               int64_t stride) {
  // A stretch of probabilities stays in the nearest cache for all of head_dim, and sums over
  // thousands of keys are rounded by stretches.
  constexpr int64_t kStretch = 256;
  auto* mixed = reinterpret_cast<Lanes*>(scratch);
  const auto* probabilities = reinterpret_cast<const Lanes*>(block.values);
  for (int64_t k = 0; k < head.head_dim; ++k) mixed[k] = Lanes{};
  for (int64_t key = block.first_seen; key < block.end_seen; key += kStretch) {
    const int64_t keys = block.end_seen - key < kStretch ? block.end_seen - key : kStretch;
    for (int64_t k = 0; k < head.head_dim; k += kLanes) {
      const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
      Lanes part[kLanes];
      AllProducts(probabilities + key, head.value + key * head.value_stride + k, head.value_stride,
                  keys, count, part);
      for (int64_t j = 0; j < count; ++j) mixed[k + j] += part[j];
    }
  }
  for (int64_t k = 0; k < head.head_dim; k += kLanes) {
    const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
    Lanes rows[kLanes] = {};
    for (int64_t j = 0; j < count; ++j) rows[j] = mixed[k + j];
    Transpose(rows);
    for (int64_t query = 0; query < block.queries; ++query) {
      StoreSome(rows[query], count, output + query * stride + k);
    }
  }
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
