// GPT-2, to be held against transformers' modeling_gpt2.py. Shapes: n tokens, D hidden, H heads of
// d = D / H, I intermediate.
#include "worker/engine/model/gpt2.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/attention.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/weight_list.h"

namespace ondelette::engine {
namespace {

struct LayerWeights {
  LayerNorm ln_1, ln_2;
  Linear c_attn, c_proj;
  Mlp mlp;
};

class Gpt2 : public Model {
 public:
  Gpt2(const ModelConfig& config, at::Device device, int64_t layers)
      : config_(config), device_(device), layers_(static_cast<size_t>(layers)) {}

  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  at::Device device() const override { return device_; }

  HiddenStates Embed(std::span<const int32_t> tokens) const override {
    at::Tensor hidden = at::embedding(wte_, TokenTensor(tokens, device_));
    if (wpe_.defined()) hidden = hidden + wpe_.narrow(0, 0, hidden.size(0));
    return {hidden, {}};
  }

  void Layer(int64_t index, HiddenStates& hidden, const AttentionObserver& observer,
             bool output_needed) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const std::vector<at::Tensor> qkv = layer.c_attn(layer.ln_1(hidden.tokens)).chunk(3, -1);
    at::Tensor query = SplitHeads(qkv[0], config_.heads);
    at::Tensor key = SplitHeads(qkv[1], config_.heads);
    at::Tensor value = SplitHeads(qkv[2], config_.heads);
    AttentionRule rule{.scale = config_.attention_scale};
    if (config_.scale_by_layer) rule.scale /= static_cast<double>(index + 1);
    at::Tensor mixed = Attention(query, key, value, rule, observer, output_needed);
    if (!output_needed) return;
    at::Tensor residual = layer.c_proj(mixed) + hidden.tokens;
    hidden.tokens = residual + layer.mlp(layer.ln_2(residual));
  }

  void List(bool positions, WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  at::Tensor wte_;  // [vocabulary, D]
  at::Tensor wpe_;  // [positions, D], or undefined where the spec has none
  std::vector<LayerWeights> layers_;
};

void Gpt2::List(bool positions, WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate;
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("lm_head.weight");
  list.Embedding({"wte.weight"}, tied, config_.vocab, D, wte_);
  if (positions) list.Tensor("wpe.weight", {config_.learned_positions, D}, wpe_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("h.", index, ".");
    list.LayerNorm(path + "ln_1", D, config_.norm_epsilon, layer.ln_1);
    list.LayerNorm(path + "ln_2", D, config_.norm_epsilon, layer.ln_2);
    list.TransposedLinear(path + "attn.c_attn", 3 * D, D, layer.c_attn);
    list.TransposedLinear(path + "attn.c_proj", D, D, layer.c_proj);
    layer.mlp.activation = config_.hidden_activation;
    list.TransposedLinear(path + "mlp.c_fc", I, D, layer.mlp.up);
    list.TransposedLinear(path + "mlp.c_proj", D, I, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadGpt2(const Checkpoint& checkpoint, const Spec& spec,
                                                at::Device device, int64_t layers,
                                                LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<Gpt2>(config, device, std::min(layers, config.layers));
  WeightList list(checkpoint, "transformer.", "h.0.ln_1.weight");
  model->List(spec.position_embeddings == PositionEmbeddings::kKept, list);
  absl::Status status = list.Load(device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
