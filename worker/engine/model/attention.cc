#include "worker/engine/model/attention.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/engine/model/attention_lanes.h"
#include "worker/engine/model/attention_scores.h"
#ifdef ONDELETTE_CUDA
#include "worker/engine/model/fused_attention.h"
#endif

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

// Probabilities [heads, queries, keys]. Query heads that share a key head are multiplied with it as
// one matrix.
at::Tensor Probabilities(const at::Tensor& query, const at::Tensor& key, const AttentionRule& rule,
                         Range queries, Range keys) {
  const int64_t heads = query.size(0), key_heads = key.size(0);
  at::Tensor grouped = queries.Of(query).reshape({key_heads, -1, query.size(2)});
  at::Tensor scores =
      at::bmm(grouped, keys.Of(key).transpose(1, 2)).view({heads, queries.count, keys.count});
  const ScoreTile tile{scores, queries.first, keys.first};
  return query.device().is_cuda() ? SoftmaxByTeams(tile, rule) : SoftmaxByTensors(tile, rule);
}

}  // namespace

at::Tensor Attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const AttentionRule& rule, const AttentionObserver& observer,
                     bool output_needed) {
  if (query.device().is_cpu() && !observer.tiles) {
    return AttentionLanes(query, key, value, rule, observer.lanes, output_needed);
  }
#ifdef ONDELETTE_CUDA
  if ((observer.band || !observer.tiles) && FusedServes(query, rule)) {
    // A value that is not needed may not be there.
    FusedOutput fused = FusedAttention(query, key, output_needed ? value : key, rule);
    if (observer.band) observer.band({query, key, fused.log_sum_exp, rule.scale, rule.causal});
    return output_needed ? fused.output : at::Tensor();
  }
#endif
  const int64_t heads = query.size(0), head_dim = query.size(2);
  const int64_t key_heads = key.size(0), tokens = key.size(1);
  at::Tensor output;
  if (output_needed) output = at::empty({query.size(1), heads, head_dim}, query.options());
  for (int64_t first = 0; first < query.size(1); first += observer.tile_queries) {
    const Range queries{first, std::min(observer.tile_queries, query.size(1) - first)};
    const Range keys = SeenKeys(rule, queries, tokens);
    at::Tensor probabilities = Probabilities(query, key, rule, queries, keys);
    if (observer.tiles) {
      observer.tiles(first, keys.first == 0 ? probabilities
                                            : at::constant_pad_nd(probabilities, {keys.first, 0}));
    }
    if (!output_needed) continue;
    at::Tensor product = at::bmm(probabilities.view({key_heads, -1, keys.count}), keys.Of(value));
    output.narrow(0, first, queries.count)
        .copy_(product.view({heads, queries.count, head_dim}).transpose(0, 1));
  }
  return output_needed ? output.view({query.size(1), heads * head_dim}) : output;
}

}  // namespace ondelette::engine
