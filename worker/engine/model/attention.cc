#include "worker/engine/model/attention.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <limits>

#include "worker/engine/model/attention_lanes.h"

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

// -inf and no finite constant: real scores reach -110,000.
void Hide(const at::Tensor& scores, const at::Tensor& hidden) {
  scores.masked_fill_(hidden, -std::numeric_limits<float>::infinity());
}

// Masks scores [heads, queries, keys] of a causal rule. Only the last keys can be in a query's
// future, and only the first can have left its window: as many as there are queries.
void Mask(const AttentionRule& rule, Range queries, Range keys, const at::Tensor& scores) {
  if (!rule.causal) return;
  const int64_t count = queries.count;
  at::Tensor all = at::ones({count, count}, scores.options().dtype(at::kBool));
  Hide(scores.narrow(2, keys.count - count, count), all.triu(1));
  if (rule.window == 0) return;
  // Key keys.first + c has left the window of query queries.first + r where c - r <= gone.
  const int64_t gone = queries.first - rule.window - keys.first;
  Hide(scores.narrow(2, 0, count), all.tril(gone));
}

// distance_bias by query and key, [heads, queries, keys].
at::Tensor TileBias(const at::Tensor& distance_bias, Range queries, Range keys) {
  const int64_t tokens = (distance_bias.size(1) + 1) / 2;
  const auto options = distance_bias.options().dtype(at::kLong);
  at::Tensor query = at::arange(queries.first, queries.first + queries.count, options);
  at::Tensor key = at::arange(keys.first, keys.first + keys.count, options);
  at::Tensor place = key.unsqueeze(0) - query.unsqueeze(1) + (tokens - 1);
  return distance_bias.index_select(1, place.flatten())
      .view({distance_bias.size(0), queries.count, keys.count});
}

// Probabilities [heads, queries, keys]. Query heads that share a key head are multiplied with it as
// one matrix.
at::Tensor Probabilities(const at::Tensor& query, const at::Tensor& key, const AttentionRule& rule,
                         Range queries, Range keys) {
  const int64_t heads = query.size(0), key_heads = key.size(0);
  at::Tensor grouped = queries.Of(query).reshape({key_heads, -1, query.size(2)});
  at::Tensor scores =
      at::bmm(grouped, keys.Of(key).transpose(1, 2)).view({heads, queries.count, keys.count});
  if (rule.scale != 1) scores.mul_(rule.scale);
  if (rule.distance_bias.defined()) scores.add_(TileBias(rule.distance_bias, queries, keys));
  if (rule.softcap != 0) scores.div_(rule.softcap).tanh_().mul_(rule.softcap);
  Mask(rule, queries, keys, scores);
  return at::softmax(scores, -1);
}

}  // namespace

at::Tensor Attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const AttentionRule& rule, const AttentionObserver& observer,
                     bool output_needed) {
  if (query.device().is_cpu() && !observer.tiles) {
    return AttentionLanes(query, key, value, rule, observer.lanes, output_needed);
  }
  const int64_t heads = query.size(0), head_dim = query.size(2);
  const int64_t key_heads = key.size(0), tokens = key.size(1);
  at::Tensor output;
  if (output_needed) output = at::empty({query.size(1), heads, head_dim}, query.options());
  for (int64_t first = 0; first < query.size(1); first += observer.tile_queries) {
    const Range queries{first, std::min(observer.tile_queries, query.size(1) - first)};
    const Range keys = SeenKeys(rule, queries, tokens);
    at::Tensor probabilities = Probabilities(query, key, rule, queries, keys);
    const int64_t after = tokens - keys.first - keys.count;
    if (observer.tiles) {
      observer.tiles(first, keys.count == tokens
                                ? probabilities
                                : at::constant_pad_nd(probabilities, {keys.first, after}));
    }
    if (!output_needed) continue;
    at::Tensor product = at::bmm(probabilities.view({key_heads, -1, keys.count}), keys.Of(value));
    output.narrow(0, first, queries.count)
        .copy_(product.view({heads, queries.count, head_dim}).transpose(0, 1));
  }
  return output_needed ? output.view({query.size(1), heads * head_dim}) : output;
}

}  // namespace ondelette::engine
