#include "worker/engine/model/attention.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/engine/model/attention_lanes.h"
#include "worker/engine/model/attention_scores.h"
#include "worker/engine/model/fused_attention.h"

namespace ondelette::engine {
namespace {

// A stretch of indices.
struct Range {
  int64_t first, count;
  at::Tensor Of(const at::Tensor& heads) const { return heads.narrow(1, first, count); }
};

// The keys that some query of the tile sees.
Range SeenKeys(const AttentionRule& rule, Range queries, int64_t tokens) {
  if (!rule.causal) return {0, tokens};
  const int64_t first =
      rule.window == 0 ? 0 : std::max<int64_t>(0, queries.first - rule.window + 1);
  return {first, queries.first + queries.count - first};
}

// Products of queries and keys. Query heads that share a key head are multiplied with it as one matrix.
ScoreTile Products(const at::Tensor& query, const at::Tensor& key, Range queries, Range keys) {
  const int64_t heads = query.size(0), key_heads = key.size(0);
  at::Tensor grouped = queries.Of(query).reshape({key_heads, -1, query.size(2)});
  at::Tensor scores = at::bmm(grouped, keys.Of(key).transpose(1, 2));
  return {scores.view({heads, queries.count, keys.count}), queries.first, keys.first};
}

// Rows `queries` of the output [n, heads, head_dim].
void MixValues(const at::Tensor& probabilities, const at::Tensor& value, Range queries, Range keys,
               const at::Tensor& output) {
  const int64_t heads = output.size(1), head_dim = output.size(2);
  at::Tensor product = at::bmm(probabilities.view({value.size(0), -1, keys.count}), keys.Of(value));
  output.narrow(0, queries.first, queries.count)
      .copy_(product.view({heads, queries.count, head_dim}).transpose(0, 1));
}

AttentionRule WithBiasInOnePiece(AttentionRule rule) {
  if (rule.distance_bias.defined()) rule.distance_bias = rule.distance_bias.contiguous();
  return rule;
}

}  // namespace

at::Tensor Attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const AttentionRule& given, const AttentionObserver& observer,
                     bool output_needed) {
  if (query.device().is_cpu() && !observer.tiles && !observer.scores) {
    return AttentionLanes(query, key, value, given, observer.lanes, output_needed);
  }
  const AttentionRule rule = WithBiasInOnePiece(given);
  const int64_t heads = query.size(0), tokens = key.size(1);
  const bool fused = output_needed && !observer.tiles && FusedServes(query, rule);
  const bool mixes = output_needed && !fused;
  at::Tensor output;
  if (mixes) output = at::empty({query.size(1), heads, query.size(2)}, query.options());
  const bool seen = observer.tiles || observer.scores;
  for (int64_t first = 0; (seen || mixes) && first < query.size(1);
       first += observer.tile_queries) {
    const Range queries{first, std::min(observer.tile_queries, query.size(1) - first)};
    const Range keys = SeenKeys(rule, queries, tokens);
    const ScoreTile tile = Products(query, key, queries, keys);
    if (observer.scores) observer.scores(RowsOf(tile, rule));
    if (!observer.tiles && !mixes) continue;
    at::Tensor probabilities =
        observer.by_teams ? SoftmaxByTeams(tile, rule) : SoftmaxByTensors(tile, rule);
    if (observer.tiles) {
      observer.tiles(first, keys.first == 0 ? probabilities
                                            : at::constant_pad_nd(probabilities, {keys.first, 0}));
    }
    if (mixes) MixValues(probabilities, value, queries, keys, output);
  }
  if (fused) return FusedAttention(query, key, value, rule);
  return mixes ? output.flatten(1) : output;
}

}  // namespace ondelette::engine
