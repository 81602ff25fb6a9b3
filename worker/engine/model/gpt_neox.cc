// GPT-NeoX, to be held against transformers' modeling_gpt_neox.py. Shapes: n tokens, D hidden,
// H heads of d = D / H, I intermediate.
#include "worker/engine/model/gpt_neox.h"

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
  LayerNorm input_layernorm, post_attention_layernorm;
  Linear query_key, value, dense;  // the file's query_key_value, in two
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

  HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const override {
    return {Lengths(passes), embed_in_(TokenTensor(passes, device_)), {}};
  }

  void Layer(int64_t index, HiddenStates& states, PassObservers observers) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const bool output_needed = index + 1 < layers();
    const at::Tensor hidden = states.tokens;
    at::Tensor attention = SelfAttention(layer, layer.input_layernorm(hidden), states.lengths,
                                         observers, output_needed);
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
                           const std::vector<int64_t>& lengths, PassObservers observers,
                           bool output_needed) const {
    const int64_t H = config_.heads, d = config_.head_dim;
    const at::Tensor query_key = layer.query_key(x);  // head by head: [rows, H, 2, d]
    const at::Tensor values = output_needed ? layer.value(x) : at::Tensor();
    const RopeTable rope = MakeRopeTable(LongestPass(lengths), frequencies_);
    auto prepare = [&](PassRows rows) -> PassAttention {
      const at::Tensor both = rows.Of(query_key).view({rows.tokens, H, 2, d});
      return {.query = TurnHeads(both.select(2, 0), rope),
              .key = TurnHeads(both.select(2, 1), rope),
              .value = output_needed ? SplitHeads(rows.Of(values), H) : at::Tensor(),
              .rule = {.scale = config_.attention_scale}};
    };
    at::Tensor mixed = AttendPasses(lengths, observers, output_needed, prepare);
    return output_needed ? layer.dense(mixed) : mixed;
  }

  const ModelConfig config_;
  const at::Device device_;
  const at::Tensor frequencies_;
  Embedding embed_in_;
  std::vector<LayerWeights> layers_;
};

void GptNeox::List(WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate, d = config_.head_dim;
  // The rows of query_key_value: each head's d of queries, then of keys, then of values.
  const RowBlocks query_key{3 * d, 0, 2 * d}, value{3 * d, 2 * d, d};
  list.Embedding("embed_in.weight", config_.vocab, D, embed_in_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("layers.", index, ".");
    list.Layer(static_cast<int64_t>(index), layers());
    list.LayerNorm(path + "input_layernorm", D, config_.norm_epsilon, layer.input_layernorm);
    list.Linear(path + "attention.query_key_value", 3 * D, D, config_.attention_bias,
                layer.query_key, query_key);
    list.ForOutput();
    list.Linear(path + "attention.query_key_value", 3 * D, D, config_.attention_bias, layer.value,
                value);
    list.LayerNorm(path + "post_attention_layernorm", D, config_.norm_epsilon,
                   layer.post_attention_layernorm);
    list.Linear(path + "attention.dense", D, D, config_.attention_output_bias, layer.dense);
    layer.mlp.activation = config_.hidden_activation;
    list.Linear(path + "mlp.dense_h_to_4h", I, D, true, layer.mlp.up);
    list.Linear(path + "mlp.dense_4h_to_h", D, I, true, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadGptNeox(std::shared_ptr<const Checkpoint> checkpoint,
                                                   const LoadOptions& options) {
  const ModelConfig& config = checkpoint->config();
  auto model =
      std::make_unique<GptNeox>(config, options.device, std::min(options.layers, config.layers));
  WeightList list(*checkpoint, "gpt_neox.", "embed_in.weight");
  model->List(list);
  return PlaceWeights(std::move(model), std::move(checkpoint), list, options);
}

}  // namespace ondelette::engine
