// Llama, to be held against transformers' modeling_llama.py, modeling_mistral.py and
// modeling_qwen2.py. Shapes: n tokens, D hidden, H heads and K key heads of d, I intermediate.
#include "worker/engine/model/llama.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/passes.h"
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

  HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const override {
    return {Lengths(passes), embed_tokens_(TokenTensor(passes, device_)), {}};
  }

  void Layer(int64_t index, HiddenStates& states, PassObservers observers) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const bool output_needed = index + 1 < layers();
    const at::Tensor x = layer.input_layernorm(states.tokens);
    const at::Tensor queries = layer.q_proj(x), keys = layer.k_proj(x);
    const at::Tensor values = output_needed ? layer.v_proj(x) : at::Tensor();
    const RopeTable rope = MakeRopeTable(LongestPass(states.lengths), frequencies_);
    AttentionRule rule{.scale = config_.attention_scale};
    if (!config_.sliding_windows.empty()) {
      rule.window = config_.sliding_windows[static_cast<size_t>(index)];
    }
    auto prepare = [&](PassRows rows) -> PassAttention {
      const int64_t n = rows.tokens, H = config_.heads, K = config_.key_heads, d = config_.head_dim;
      return {.query = TurnHeads(rows.Of(queries).view({n, H, d}), rope),
              .key = TurnHeads(rows.Of(keys).view({n, K, d}), rope),
              .value = output_needed ? SplitHeads(rows.Of(values), K) : at::Tensor(),
              .rule = rule};
    };
    at::Tensor mixed = AttendPasses(states.lengths, observers, output_needed, prepare);
    if (!output_needed) return;
    at::Tensor residual = states.tokens + layer.o_proj(mixed);
    states.tokens = residual + layer.mlp(layer.post_attention_layernorm(residual));
  }

  void List(WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  const at::Tensor frequencies_;
  Embedding embed_tokens_;
  std::vector<LayerWeights> layers_;
};

void Llama::List(WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate, d = config_.head_dim;
  const int64_t H = config_.heads, K = config_.key_heads;
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("lm_head.weight");
  list.TiedEmbedding({"embed_tokens.weight"}, tied, config_.vocab, D, embed_tokens_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("layers.", index, ".");
    list.Layer(static_cast<int64_t>(index), layers());
    list.RmsNorm(path + "input_layernorm", D, config_.norm_epsilon, layer.input_layernorm);
    list.Linear(path + "self_attn.q_proj", H * d, D, config_.attention_bias, layer.q_proj);
    list.Linear(path + "self_attn.k_proj", K * d, D, config_.attention_bias, layer.k_proj);
    list.ForOutput();
    list.RmsNorm(path + "post_attention_layernorm", D, config_.norm_epsilon,
                 layer.post_attention_layernorm);
    list.Linear(path + "self_attn.v_proj", K * d, D, config_.attention_bias, layer.v_proj);
    list.Linear(path + "self_attn.o_proj", D, H * d, config_.attention_output_bias, layer.o_proj);
    layer.mlp.activation = config_.hidden_activation;
    list.Linear(path + "mlp.gate_proj", I, D, config_.mlp_bias, layer.mlp.gate);
    list.Linear(path + "mlp.up_proj", I, D, config_.mlp_bias, layer.mlp.up);
    list.Linear(path + "mlp.down_proj", D, I, config_.mlp_bias, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadLlama(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const LoadOptions& options) {
  const ModelConfig& config = checkpoint->config();
  auto model =
      std::make_unique<Llama>(config, options.device, std::min(options.layers, config.layers));
  WeightList list(*checkpoint, "model.", "layers.0.input_layernorm.weight");
  model->List(list);
  return PlaceWeights(std::move(model), std::move(checkpoint), list, options);
}

}  // namespace ondelette::engine
