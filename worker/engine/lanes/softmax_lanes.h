// From scores to probabilities. Included by kernels only (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_SOFTMAX_LANES_H_
#define ONDELETTE_WORKER_ENGINE_LANES_SOFTMAX_LANES_H_

#include "worker/engine/lanes/attention_kernel.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/transpose.h"

namespace ondelette::engine {
namespace {

// A block without its numbers yet.
inline LaneBlock BlockOf(const AttentionHead& head, int64_t first_query, int64_t queries,
                         float* values) {
  LaneBlock block{0, first_query, queries, head.tokens, 0, head.tokens, values};
  if (head.causal) {
    block.end_seen = first_query + queries;
    const int64_t left = first_query - head.window + 1;
    if (head.window != 0 && left > 0) block.first_seen = left;
  }
  return block;
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

// Scores of the keys that are seen become probabilities, all others' zeros. So do lanes behind the
// last query.
inline void Softmax(const AttentionHead& head, const LaneBlock& block, Lanes* scores) {
  Lanes most = Splat(-__builtin_inff());
  // Keys that every query sees need no rule where none but the order of tokens holds.
  const bool plain = head.distance_bias == nullptr && head.softcap == 0 && head.window == 0;
  const int64_t end_plain = !plain        ? block.first_seen
                            : head.causal ? block.first_query + 1
                                          : block.end_seen;
  for (int64_t key = block.first_seen; key < end_plain; ++key) most = Max(scores[key], most);
  for (int64_t key = end_plain; key < block.end_seen; ++key) {
    const Lanes score = Ruled(head, block.first_query, key, scores[key]);
    scores[key] = score;
    most = Max(score, most);
  }
  LaneSum sum;
  for (int64_t key = block.first_seen; key < block.end_seen; ++key) {
    scores[key] = ExpOfNegative(scores[key] - most);
    sum.Add(scores[key]);
  }
  const Lanes share =
      Select(LaneNumbers() < static_cast<int32_t>(block.queries), 1.0f / sum.Take(), Lanes{});
  for (int64_t key = block.first_seen; key < block.end_seen; ++key) {
    scores[key] = Select(share == 0.0f, Lanes{}, scores[key] * share);
  }
  for (int64_t key = 0; key < block.first_seen; ++key) scores[key] = Lanes{};
  for (int64_t key = block.end_seen; key < head.tokens; ++key) scores[key] = Lanes{};
}

// Writes lanes [head_dim] of the block's queries, a row each.
inline void StoreMixed(const Lanes* mixed, const AttentionHead& head, int64_t queries,
                       float* output, int64_t stride) {
  for (int64_t k = 0; k < head.head_dim; k += kLanes) {
    const int64_t count = head.head_dim - k < kLanes ? head.head_dim - k : kLanes;
    Lanes rows[kLanes] = {};
    for (int64_t j = 0; j < count; ++j) rows[j] = mixed[k + j];
    Transpose(rows);
    for (int64_t query = 0; query < queries; ++query) {
      StoreSome(rows[query], count, output + query * stride + k);
    }
  }
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_SOFTMAX_LANES_H_
