// GPT-NeoX, to be held against transformers' modeling_gpt_neox.py. Shapes: n tokens, D hidden,
// H heads of d = D / H, I intermediate.
#include "worker/engine/model/gpt_neox.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/attention.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/rope.h"
#include "worker/engine/model/weight_list.h"

namespace ondelette::engine {
namespace {

struct LayerWeights {
  LayerNorm input_layernorm, post_attention_layernorm;
  Linear query_key_value, dense;
  Mlp mlp;
};

class GptNeox : public Model {
 public:
  GptNeox(const ModelConfig& config, at::Device device, int64_t layers)
      : config_(config),
        device_(device),
        frequencies_(
            RopeFrequencies(config.rotary_dims, config.rope_theta, config.rope_scaling, device)),
        layers_(static_cast<size_t>(layers)) {}

  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  at::Device device() const override { return device_; }

  HiddenStates Embed(std::span<const int32_t> tokens) const override {
    return {at::embedding(embed_in_, TokenTensor(tokens, device_)), {}};
  }

  void Layer(int64_t index, HiddenStates& states, const AttentionObserver& observer,
             bool output_needed) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const at::Tensor hidden = states.tokens;
    at::Tensor attention =
        SelfAttention(layer, layer.input_layernorm(hidden), observer, output_needed);
    if (!output_needed) return;
    if (config_.parallel_residual) {
      states.tokens = layer.mlp(layer.post_attention_layernorm(hidden)) + attention + hidden;
      return;
    }
    attention = attention + hidden;
    states.tokens = layer.mlp(layer.post_attention_layernorm(attention)) + attention;
  }

  void List(WeightList& list);

 private:
  at::Tensor SelfAttention(const LayerWeights& layer, const at::Tensor& x,
                           const AttentionObserver& observer, bool output_needed) const {
    const int64_t n = x.size(0), H = config_.heads, d = config_.head_dim;
    // Packed head by head: [n, H, 3, d].
    at::Tensor qkv = layer.query_key_value(x).view({n, H, 3, d}).permute({2, 1, 0, 3});
    RopeTable rope = MakeRopeTable(n, frequencies_);
    at::Tensor query = ApplyRope(qkv[0], rope).contiguous();
    at::Tensor key = ApplyRope(qkv[1], rope).contiguous();
    at::Tensor value = qkv[2].contiguous();
    const AttentionRule rule{.scale = config_.attention_scale};
    at::Tensor mixed = Attention(query, key, value, rule, observer, output_needed);
    return output_needed ? layer.dense(mixed) : mixed;
  }

  const ModelConfig config_;
  const at::Device device_;
  const at::Tensor frequencies_;
  at::Tensor embed_in_;  // [vocabulary, D]
  std::vector<LayerWeights> layers_;
};

void GptNeox::List(WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate;
  list.Tensor("embed_in.weight", {config_.vocab, D}, embed_in_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("layers.", index, ".");
    list.LayerNorm(path + "input_layernorm", D, config_.norm_epsilon, layer.input_layernorm);
    list.LayerNorm(path + "post_attention_layernorm", D, config_.norm_epsilon,
                   layer.post_attention_layernorm);
    list.Linear(path + "attention.query_key_value", 3 * D, D, config_.attention_bias,
                layer.query_key_value);
    list.Linear(path + "attention.dense", D, D, config_.attention_output_bias, layer.dense);
    layer.mlp.activation = config_.hidden_activation;
    list.Linear(path + "mlp.dense_h_to_4h", I, D, true, layer.mlp.up);
    list.Linear(path + "mlp.dense_4h_to_h", D, I, true, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadGptNeox(const Checkpoint& checkpoint, at::Device device,
                                                   int64_t layers, LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<GptNeox>(config, device, std::min(layers, config.layers));
  WeightList list(checkpoint, "gpt_neox.", "embed_in.weight");
  model->List(list);
  absl::Status status = list.Load(device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
