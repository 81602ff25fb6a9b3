#include "worker/engine/model/attention_scores.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <limits>

#include "worker/engine/torch/run_teams.h"

namespace ondelette::engine {
namespace {

// -inf and no finite constant: real scores reach -110,000.
void Hide(const at::Tensor& scores, const at::Tensor& hidden) {
  scores.masked_fill_(hidden, -std::numeric_limits<float>::infinity());
}

// Only the last keys can be in a query's future, and only the first can have left its window: as many
// as there are queries.
void Mask(const ScoreTile& tile, const AttentionRule& rule) {
  if (!rule.causal) return;
  const int64_t count = tile.scores.size(1), keys = tile.scores.size(2);
  at::Tensor all = at::ones({count, count}, tile.scores.options().dtype(at::kBool));
  Hide(tile.scores.narrow(2, keys - count, count), all.triu(1));
  if (rule.window == 0) return;
  // Key first_key + c has left the window of query first_query + r where c - r <= gone.
  const int64_t gone = tile.first_query - rule.window - tile.first_key;
  Hide(tile.scores.narrow(2, 0, count), all.tril(gone));
}

// distance_bias by query and key, [heads, queries, keys].
at::Tensor TileBias(const ScoreTile& tile, const at::Tensor& distance_bias) {
  const int64_t queries = tile.scores.size(1), keys = tile.scores.size(2);
  const int64_t tokens = (distance_bias.size(1) + 1) / 2;
  const auto options = distance_bias.options().dtype(at::kLong);
  at::Tensor query = at::arange(tile.first_query, tile.first_query + queries, options);
  at::Tensor key = at::arange(tile.first_key, tile.first_key + keys, options);
  at::Tensor place = key.unsqueeze(0) - query.unsqueeze(1) + (tokens - 1);
  return distance_bias.index_select(1, place.flatten())
      .view({distance_bias.size(0), queries, keys});
}

}  // namespace

at::Tensor SoftmaxByTensors(const ScoreTile& tile, const AttentionRule& rule) {
  const at::Tensor& scores = tile.scores;
  if (rule.scale != 1) scores.mul_(rule.scale);
  if (rule.distance_bias.defined()) scores.add_(TileBias(tile, rule.distance_bias));
  if (rule.softcap != 0) scores.div_(rule.softcap).tanh_().mul_(rule.softcap);
  Mask(tile, rule);
  return at::softmax(scores, -1);
}

SoftmaxArguments RowsOf(const ScoreTile& tile, const AttentionRule& rule) {
  const at::Tensor& scores = tile.scores;
  SoftmaxArguments arguments{};
  arguments.scores = scores.data_ptr<float>();
  arguments.heads = static_cast<int>(scores.size(0));
  arguments.queries = static_cast<int>(scores.size(1));
  arguments.keys = static_cast<int>(scores.size(2));
  arguments.first_query = static_cast<int>(tile.first_query);
  arguments.first_key = static_cast<int>(tile.first_key);
  arguments.scale = static_cast<float>(rule.scale);
  arguments.softcap = static_cast<float>(rule.softcap);
  arguments.causal = rule.causal;
  arguments.window = static_cast<int>(rule.window);
  if (rule.distance_bias.defined()) {
    TORCH_CHECK(rule.distance_bias.is_contiguous(), "a bias must lie in one piece");
    arguments.bias = rule.distance_bias.data_ptr<float>();
    arguments.tokens = static_cast<int>((rule.distance_bias.size(1) + 1) / 2);
  }
  return arguments;
}

at::Tensor SoftmaxByTeams(const ScoreTile& tile, const AttentionRule& rule) {
  SoftmaxArguments arguments = RowsOf(tile, rule);
  arguments.in_place = ShapeOf(arguments).bytes > TeamBytes(tile.scores.device());
  RunTeams(arguments, tile.scores.device());
  return tile.scores;
}

}  // namespace ondelette::engine
