#include "worker/engine/model/attention_lanes.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"

namespace ondelette::engine {
namespace {

struct Scratch {
  LaneBuffer head, work, values;
};

// Heads [heads, tokens, head_dim] whose rows lie together.
struct Rows {
  explicit Rows(const at::Tensor& tensor)
      : held(tensor.stride(2) == 1 ? tensor : tensor.contiguous()) {}
  const float* Of(int64_t head) const { return held.data_ptr<float>() + head * held.stride(0); }
  int64_t stride() const { return held.stride(1); }
  at::Tensor held;
};

}  // namespace

at::Tensor AttentionLanes(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const AttentionRule& rule,
                          const std::function<void(const LaneBlock&)>& observe,
                          bool output_needed) {
  const int64_t heads = query.size(0), tokens = query.size(1), head_dim = query.size(2);
  const int64_t sharing = heads / key.size(0);  // query heads that read the same key head
  TORCH_CHECK(key.size(1) == tokens, "as many keys as queries: ", key.size(1), " and ", tokens);
  // A value that is not needed is not read.
  const Rows queries(query), keys(key), values(output_needed ? value : key);
  at::Tensor bias;
  if (rule.distance_bias.defined()) bias = rule.distance_bias.contiguous();
  at::Tensor output;
  if (output_needed) output = at::empty({tokens, heads * head_dim}, query.options());
  at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
    thread_local Scratch scratch;
    const LaneKernels& kernels = Kernels();
    float* packed = scratch.head.AtLeast(kernels.head_space(tokens, head_dim));
    float* work = scratch.work.AtLeast(kernels.attention_space(head_dim));
    float* probabilities = scratch.values.AtLeast(kBlocksTogether * BlockKeys(tokens) * kLaneCount);
    for (int64_t head = begin; head < end; ++head) {
      const int64_t key_head = head / sharing;
      const AttentionHead attention{
          queries.Of(head),
          queries.stride(),
          keys.Of(key_head),
          keys.stride(),
          values.Of(key_head),
          values.stride(),
          packed,
          tokens,
          head_dim,
          static_cast<float>(rule.scale),
          static_cast<float>(rule.softcap),
          rule.causal,
          rule.window,
          bias.defined() ? bias.data_ptr<float>() + head * (2 * tokens - 1) : nullptr};
      if (head == begin || head % sharing == 0) kernels.pack_head(attention, output_needed, packed);
      for (int64_t first = 0; first < tokens; first += kBlocksTogether * kLaneCount) {
        LaneBlock blocks[kBlocksTogether];
        kernels.probabilities(attention, first, work, probabilities, blocks);
        const int64_t count = BlocksOf(BlocksEnd(attention, first) - first);
        for (LaneBlock* block = blocks; block < blocks + count; ++block) {
          block->head = head;
          if (observe) observe(*block);
        }
        if (!output_needed) continue;
        float* rows = output.data_ptr<float>() + first * output.size(1) + head * head_dim;
        kernels.mix_values(attention, blocks, work, rows, output.size(1));
      }
    }
  });
  return output;
}

}  // namespace ondelette::engine
