// GPT-NeoX, to be held against transformers' modeling_gpt_neox.py. Shapes: n tokens, D hidden,
// H heads of d = D / H, I intermediate.
#include "worker/engine/model/gpt_neox.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/activations.h"
#include "worker/engine/model/attention.h"
#include "worker/engine/model/rope.h"

namespace ondelette::engine {
namespace {

// A matrix [out, in] and its bias [out], undefined where the network has none.
struct Linear {
  at::Tensor weight, bias;
  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
};

struct Norm {
  at::Tensor weight, bias;
  double epsilon;
  at::Tensor operator()(const at::Tensor& x) const {
    return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
  }
};

struct LayerWeights {
  Norm input_layernorm, post_attention_layernorm;
  Linear query_key_value, dense, dense_h_to_4h, dense_4h_to_h;
};

class GptNeox : public Model {
 public:
  GptNeox(const ModelConfig& config, at::Device device, int64_t layers)
      : config_(config), device_(device), layers_(static_cast<size_t>(layers)) {}

  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  bool causal() const override { return true; }
  at::Device device() const override { return device_; }

  at::Tensor Embed(std::span<const int32_t> tokens) const override {
    at::Tensor ids = at::tensor(at::ArrayRef<int32_t>(tokens.data(), tokens.size()), at::kInt);
    return at::embedding(embed_in_, ids.to(device_));
  }

  at::Tensor Layer(int64_t index, const at::Tensor& hidden, const AttentionObserver& observer,
                   bool output_needed) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    at::Tensor attention = Attention(layer, layer.input_layernorm(hidden), observer, output_needed);
    if (!output_needed) return at::Tensor();
    if (config_.parallel_residual) {
      return Mlp(layer, layer.post_attention_layernorm(hidden)) + attention + hidden;
    }
    attention = attention + hidden;
    return Mlp(layer, layer.post_attention_layernorm(attention)) + attention;
  }

  std::vector<WantedWeight> Weights(const std::string& prefix);

 private:
  at::Tensor Attention(const LayerWeights& layer, const at::Tensor& x,
                       const AttentionObserver& observer, bool output_needed) const {
    const int64_t n = x.size(0), H = config_.heads, d = config_.head_dim;
    // Packed head by head: [n, H, 3, d].
    at::Tensor qkv = layer.query_key_value(x).view({n, H, 3, d}).permute({2, 1, 0, 3});
    RopeTable rope = MakeRopeTable(n, config_.rotary_dims, config_.rope_theta, device_);
    at::Tensor query = ApplyRope(qkv[0], rope).contiguous();
    at::Tensor key = ApplyRope(qkv[1], rope).contiguous();
    at::Tensor value = qkv[2].contiguous();
    at::Tensor mixed = CausalAttention(query, key, value, observer, output_needed);
    return output_needed ? layer.dense(mixed) : mixed;
  }

  at::Tensor Mlp(const LayerWeights& layer, const at::Tensor& x) const {
    at::Tensor inner = Activate(config_.hidden_activation, layer.dense_h_to_4h(x));
    return layer.dense_4h_to_h(inner);
  }

  const ModelConfig config_;
  const at::Device device_;
  at::Tensor embed_in_;  // [vocabulary, D]
  std::vector<LayerWeights> layers_;
};

std::vector<WantedWeight> GptNeox::Weights(const std::string& prefix) {
  const int64_t D = config_.hidden, I = config_.intermediate;
  std::vector<WantedWeight> wanted{{prefix + "embed_in.weight", {config_.vocab, D}, &embed_in_}};
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat(prefix, "layers.", index, ".");
    auto norm = [&](const char* name, Norm& into) {
      into.epsilon = config_.norm_epsilon;
      wanted.push_back({absl::StrCat(path, name, ".weight"), {D}, &into.weight});
      wanted.push_back({absl::StrCat(path, name, ".bias"), {D}, &into.bias});
    };
    auto linear = [&](const char* name, int64_t out, int64_t in, bool bias, Linear& into) {
      wanted.push_back({absl::StrCat(path, name, ".weight"), {out, in}, &into.weight});
      if (bias) wanted.push_back({absl::StrCat(path, name, ".bias"), {out}, &into.bias});
    };
    norm("input_layernorm", layer.input_layernorm);
    norm("post_attention_layernorm", layer.post_attention_layernorm);
    const bool bias = config_.attention_bias;
    linear("attention.query_key_value", 3 * D, D, bias, layer.query_key_value);
    linear("attention.dense", D, D, bias, layer.dense);
    linear("mlp.dense_h_to_4h", I, D, true, layer.dense_h_to_4h);
    linear("mlp.dense_4h_to_h", D, I, true, layer.dense_4h_to_h);
  }
  return wanted;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadGptNeox(const Checkpoint& checkpoint, at::Device device,
                                                   int64_t layers, LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<GptNeox>(config, device, std::min(layers, config.layers));
  const bool prefixed = checkpoint.Contains("gpt_neox.embed_in.weight");
  absl::Status status =
      LoadWeights(checkpoint, model->Weights(prefixed ? "gpt_neox." : ""), device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
