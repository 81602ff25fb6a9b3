#include "worker/engine/model/fused_attention.h"

#include <ATen/ATen.h>

namespace ondelette::engine {

bool FusedServes(const at::Tensor& query, const AttentionRule& rule) {
  return query.is_cuda() && rule.window == 0 && rule.softcap == 0 && !rule.distance_bias.defined();
}

at::Tensor FusedAttention([[maybe_unused]] const at::Tensor& query,
                          [[maybe_unused]] const at::Tensor& key,
                          [[maybe_unused]] const at::Tensor& value,
                          [[maybe_unused]] const AttentionRule& rule) {
#ifdef ONDELETTE_CUDA
  const int64_t sharing = query.size(0) / key.size(0);
  auto batched = [sharing](const at::Tensor& heads) {
    return (sharing == 1 ? heads : heads.repeat_interleave(sharing, 0)).unsqueeze(0);
  };
  at::Tensor output = at::scaled_dot_product_attention(query.unsqueeze(0), batched(key),
                                                       batched(value), /*attn_mask=*/{},
                                                       /*dropout_p=*/0, rule.causal, rule.scale);
  return output.squeeze(0).transpose(0, 1).reshape({query.size(1), -1});
#else
  TORCH_CHECK(false, "this engine has no fused attention");
#endif
}

}  // namespace ondelette::engine
