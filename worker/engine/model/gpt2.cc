// GPT-2, to be held against transformers' modeling_gpt2.py. Shapes: n tokens, D hidden, H heads of
// d = D / H, I intermediate.
#include "worker/engine/model/gpt2.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/passes.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/weight_list.h"

namespace ondelette::engine {
namespace {

struct LayerWeights {
  LayerNorm ln_1, ln_2;
  Linear query_key, value, c_proj;  // the first two are the file's c_attn
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

  HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const override {
    HiddenStates states{Lengths(passes), wte_(TokenTensor(passes, device_)), {}};
    if (wpe_.defined()) AddPositions(states.lengths, wpe_, states.tokens);
    return states;
  }

  void Layer(int64_t index, HiddenStates& states, PassObservers observers) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const bool output_needed = index + 1 < layers();
    const at::Tensor x = layer.ln_1(states.tokens);
    const at::Tensor query_key = layer.query_key(x);  // [rows, 2, H, d]
    const at::Tensor values = output_needed ? layer.value(x) : at::Tensor();
    AttentionRule rule{.scale = config_.attention_scale};
    if (config_.scale_by_layer) rule.scale /= static_cast<double>(index + 1);
    auto prepare = [&](PassRows rows) -> PassAttention {
      const std::vector<at::Tensor> both = rows.Of(query_key).chunk(2, -1);
      return {.query = SplitHeads(both[0], config_.heads),
              .key = SplitHeads(both[1], config_.heads),
              .value = output_needed ? SplitHeads(rows.Of(values), config_.heads) : at::Tensor(),
              .rule = rule};
    };
    at::Tensor mixed = AttendPasses(states.lengths, observers, output_needed, prepare);
    if (!output_needed) return;
    at::Tensor residual = layer.c_proj(mixed) + states.tokens;
    states.tokens = residual + layer.mlp(layer.ln_2(residual));
  }

  void List(bool positions, WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  Embedding wte_;
  at::Tensor wpe_;  // [positions, D], or undefined where the spec has none
  std::vector<LayerWeights> layers_;
};

void Gpt2::List(bool positions, WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate;
  // The columns of c_attn: all queries, all keys, all values.
  const RowBlocks query_key{3 * D, 0, 2 * D}, value{3 * D, 2 * D, D};
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("lm_head.weight");
  list.TiedEmbedding({"wte.weight"}, tied, config_.vocab, D, wte_);
  if (positions) list.Tensor("wpe.weight", {config_.learned_positions, D}, wpe_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("h.", index, ".");
    list.Layer(static_cast<int64_t>(index), layers());
    list.LayerNorm(path + "ln_1", D, config_.norm_epsilon, layer.ln_1);
    list.TransposedLinear(path + "attn.c_attn", 3 * D, D, layer.query_key, query_key);
    list.ForOutput();
    list.TransposedLinear(path + "attn.c_attn", 3 * D, D, layer.value, value);
    list.LayerNorm(path + "ln_2", D, config_.norm_epsilon, layer.ln_2);
    list.TransposedLinear(path + "attn.c_proj", D, D, layer.c_proj);
    layer.mlp.activation = config_.hidden_activation;
    list.TransposedLinear(path + "mlp.c_fc", I, D, layer.mlp.up);
    list.TransposedLinear(path + "mlp.c_proj", D, I, layer.mlp.down);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadGpt2(std::shared_ptr<const Checkpoint> checkpoint,
                                                const Spec& spec, const LoadOptions& options) {
  const ModelConfig& config = checkpoint->config();
  auto model =
      std::make_unique<Gpt2>(config, options.device, std::min(options.layers, config.layers));
  WeightList list(*checkpoint, "transformer.", "h.0.ln_1.weight");
  model->List(spec.position_embeddings == PositionEmbeddings::kKept, list);
  return PlaceWeights(std::move(model), std::move(checkpoint), list, options);
}

}  // namespace ondelette::engine
