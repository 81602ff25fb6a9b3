#include "worker/engine/model/fused_attention.h"

#include <ATen/ATen.h>

#include <tuple>

namespace ondelette::engine {
namespace {

// [1, heads, n, head_dim], a key head once for every query head that reads it.
at::Tensor Batched(const at::Tensor& heads, int64_t sharing) {
  return (sharing == 1 ? heads : heads.repeat_interleave(sharing, 0)).unsqueeze(0);
}

}  // namespace

bool FusedServes(const at::Tensor& query, const AttentionRule& rule) {
  return query.is_cuda() && rule.window == 0 && rule.softcap == 0 && !rule.distance_bias.defined() &&
         query.size(2) % 8 == 0;
}

// The memory-efficient kernel: unlike the flash kernel it takes float32, with TF32 products in three
// pieces, and like it returns the log-sum-exps. They are padded to a multiple of 32 queries.
FusedOutput FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionRule& rule) {
  const int64_t heads = query.size(0), tokens = query.size(1), head_dim = query.size(2);
  const int64_t sharing = heads / key.size(0);
  const auto [output, log_sum_exp, seed, offset] = at::_scaled_dot_product_efficient_attention(
      query.unsqueeze(0), Batched(key, sharing), Batched(value, sharing), /*attn_bias=*/{},
      /*compute_log_sumexp=*/true, /*dropout_p=*/0, rule.causal, rule.scale);
  return {output.squeeze(0).transpose(0, 1).reshape({tokens, heads * head_dim}),
          log_sum_exp.squeeze(0).narrow(1, 0, tokens)};
}

}  // namespace ondelette::engine
