// Llama, to be held against transformers' modeling_llama.py, modeling_mistral.py and
// modeling_qwen2.py. Shapes: n tokens, D hidden, H heads and K key heads of d, I intermediate.
#include "worker/engine/model/llama.h"

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
  RmsNorm input_layernorm, post_attention_layernorm;
  Linear q_proj, k_proj, v_proj, o_proj;
  GatedMlp mlp;
};

class Llama : public Model {
 public:
  Llama(const ModelConfig& config, at::Device device, int64_t layers)
      : config_(config),
        device_(device),
        frequencies_(
            RopeFrequencies(config.head_dim, config.rope_theta, config.rope_scaling, device)),
        layers_(static_cast<size_t>(layers)) {}

  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  at::Device device() const override { return device_; }

  HiddenStates Embed(std::span<const int32_t> tokens) const override {
    return {at::embedding(embed_tokens_, TokenTensor(tokens, device_)), {}};
  }

  void Layer(int64_t index, HiddenStates& hidden, const AttentionObserver& observer,
             bool output_needed) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    at::Tensor x = layer.input_layernorm(hidden.tokens);
    RopeTable rope = MakeRopeTable(x.size(0), frequencies_);
    at::Tensor query = ApplyRope(SplitHeads(layer.q_proj(x), config_.heads), rope);
    at::Tensor key = ApplyRope(SplitHeads(layer.k_proj(x), config_.key_heads), rope);
    at::Tensor value = SplitHeads(layer.v_proj(x), config_.key_heads);
    AttentionRule rule{.scale = config_.attention_scale};
    if (!config_.sliding_windows.empty()) {
      rule.window = config_.sliding_windows[static_cast<size_t>(index)];
    }
    at::Tensor mixed = Attention(query, key, value, rule, observer, output_needed);
    if (!output_needed) return;
    at::Tensor residual = hidden.tokens + layer.o_proj(mixed);
    hidden.tokens = residual + layer.mlp(layer.post_attention_layernorm(residual));
  }

  void List(WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  const at::Tensor frequencies_;
  at::Tensor embed_tokens_;  // [vocabulary, D]
  std::vector<LayerWeights> layers_;
};

void Llama::List(WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate, d = config_.head_dim;
  const int64_t H = config_.heads, K = config_.key_heads;
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("lm_head.weight");
  list.Embedding({"embed_tokens.weight"}, tied, config_.vocab, D, embed_tokens_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("layers.", index, ".");
    list.RmsNorm(path + "input_layernorm", D, config_.norm_epsilon, layer.input_layernorm);
    list.RmsNorm(path + "post_attention_layernorm", D, config_.norm_epsilon,
                 layer.post_attention_layernorm);
    list.Linear(path + "self_attn.q_proj", H * d, D, config_.attention_bias, layer.q_proj);
    list.Linear(path + "self_attn.k_proj", K * d, D, config_.attention_bias, layer.k_proj);
    list.Linear(path + "self_attn.v_proj", K * d, D, config_.attention_bias, layer.v_proj);
    list.Linear(path + "self_attn.o_proj", D, H * d, config_.attention_output_bias, layer.o_proj);
    layer.mlp.activation = config_.hidden_activation;
    list.Linear(path + "mlp.gate_proj", I, D, config_.mlp_bias, layer.mlp.gate);
    list.Linear(path + "mlp.up_proj", I, D, config_.mlp_bias, layer.mlp.up);
    list.Linear(path + "mlp.down_proj", D, I, config_.mlp_bias, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadLlama(const Checkpoint& checkpoint, at::Device device,
                                                 int64_t layers, LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<Llama>(config, device, std::min(layers, config.layers));
  WeightList list(checkpoint, "model.", "layers.0.input_layernorm.weight");
  model->List(list);
  absl::Status status = list.Load(device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
