#include "worker/engine/model/attention.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/triu.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ondelette::engine {
namespace {

// Probabilities of queries first..first+count-1 over keys 0..first+count-1.
at::Tensor Probabilities(const at::Tensor& query, const at::Tensor& key, int64_t first,
                         int64_t count) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  at::Tensor scores =
      at::bmm(query.narrow(1, first, count), key.narrow(1, 0, first + count).transpose(1, 2));
  scores.mul_(scale);
  // -inf and no finite constant: real scores reach -110,000.
  at::Tensor future = at::ones({count, count}, query.options().dtype(at::kBool)).triu(1);
  scores.narrow(2, first, count).masked_fill_(future, -std::numeric_limits<float>::infinity());
  return at::softmax(scores, -1);
}

}  // namespace

at::Tensor CausalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionObserver& observer, bool output_needed) {
  const int64_t heads = query.size(0), tokens = query.size(1), head_dim = query.size(2);
  at::Tensor output;
  if (output_needed) output = at::empty({tokens, heads, head_dim}, query.options());
  for (int64_t first = 0; first < tokens; first += observer.tile_queries) {
    const int64_t count = std::min(observer.tile_queries, tokens - first);
    at::Tensor probabilities = Probabilities(query, key, first, count);
    const int64_t masked = tokens - first - count;
    observer.observe(first,
                     masked == 0 ? probabilities : at::constant_pad_nd(probabilities, {0, masked}));
    if (!output_needed) continue;
    at::Tensor product = at::bmm(probabilities, value.narrow(1, 0, first + count));
    output.narrow(0, first, count).copy_(product.transpose(0, 1));
  }
  return output_needed ? output.view({tokens, heads * head_dim}) : output;
}

}  // namespace ondelette::engine
