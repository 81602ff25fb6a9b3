// BERT, to be held against transformers' modeling_bert.py. Shapes: n tokens, D hidden, H heads of
// d = D / H, I intermediate.
#include "worker/engine/model/bert.h"

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
  Linear query, key, value, attention_output;
  LayerNorm attention_norm, output_norm;
  Mlp mlp;
};

class Bert : public Model {
 public:
  Bert(const ModelConfig& config, at::Device device, int64_t layers)
      : config_(config), device_(device), layers_(static_cast<size_t>(layers)) {}

  int64_t layers() const override { return static_cast<int64_t>(layers_.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  bool causal() const override { return false; }
  at::Device device() const override { return device_; }

  HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const override {
    const std::vector<int64_t> lengths = Lengths(passes);
    at::Tensor words = word_embeddings_(TokenTensor(passes, device_));
    at::Tensor hidden = words + token_type_embeddings_.select(0, 0);
    if (position_embeddings_.defined()) AddPositions(lengths, position_embeddings_, hidden);
    return {lengths, embeddings_norm_(hidden), {}};
  }

  void Layer(int64_t index, HiddenStates& states, PassObservers observers) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const bool output_needed = index + 1 < layers();
    const at::Tensor x = states.tokens;
    const at::Tensor queries = layer.query(x), keys = layer.key(x);
    const at::Tensor values = output_needed ? layer.value(x) : at::Tensor();
    auto prepare = [&](PassRows rows) -> PassAttention {
      const int64_t H = config_.heads;
      return {.query = SplitHeads(rows.Of(queries), H),
              .key = SplitHeads(rows.Of(keys), H),
              .value = output_needed ? SplitHeads(rows.Of(values), H) : at::Tensor(),
              .rule = {.scale = config_.attention_scale, .causal = false}};
    };
    at::Tensor mixed = AttendPasses(states.lengths, observers, output_needed, prepare);
    if (!output_needed) return;
    at::Tensor attended = layer.attention_norm(layer.attention_output(mixed) + x);
    states.tokens = layer.output_norm(layer.mlp(attended) + attended);
  }

  void List(bool positions, WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  Embedding word_embeddings_;
  at::Tensor position_embeddings_;    // [positions, D], or undefined where the spec has none
  at::Tensor token_type_embeddings_;  // [types, D]
  LayerNorm embeddings_norm_;
  std::vector<LayerWeights> layers_;
};

void Bert::List(bool positions, WeightList& list) {
  const int64_t D = config_.hidden, I = config_.intermediate;
  const double epsilon = config_.norm_epsilon;
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("cls.predictions.decoder.weight");
  list.TiedEmbedding({"embeddings.word_embeddings.weight"}, tied, config_.vocab, D,
                     word_embeddings_);
  list.Tensor("embeddings.token_type_embeddings.weight", {config_.token_types, D},
              token_type_embeddings_);
  if (positions) {
    list.Tensor("embeddings.position_embeddings.weight", {config_.learned_positions, D},
                position_embeddings_);
  }
  list.LayerNorm("embeddings.LayerNorm", D, epsilon, embeddings_norm_);
  for (size_t index = 0; index < layers_.size(); ++index) {
    LayerWeights& layer = layers_[index];
    const std::string path = absl::StrCat("encoder.layer.", index, ".");
    list.Layer(static_cast<int64_t>(index), layers());
    list.Linear(path + "attention.self.query", D, D, true, layer.query);
    list.Linear(path + "attention.self.key", D, D, true, layer.key);
    list.ForOutput();
    list.Linear(path + "attention.self.value", D, D, true, layer.value);
    list.Linear(path + "attention.output.dense", D, D, true, layer.attention_output);
    list.LayerNorm(path + "attention.output.LayerNorm", D, epsilon, layer.attention_norm);
    layer.mlp.activation = config_.hidden_activation;
    list.Linear(path + "intermediate.dense", I, D, true, layer.mlp.up);
    list.Linear(path + "output.dense", D, I, true, layer.mlp.down);
    list.LayerNorm(path + "output.LayerNorm", D, epsilon, layer.output_norm);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadBert(std::shared_ptr<const Checkpoint> checkpoint,
                                                const Spec& spec, const LoadOptions& options) {
  const ModelConfig& config = checkpoint->config();
  auto model =
      std::make_unique<Bert>(config, options.device, std::min(options.layers, config.layers));
  WeightList list(*checkpoint, "bert.", "encoder.layer.0.attention.self.query.weight");
  model->List(spec.position_embeddings == PositionEmbeddings::kKept, list);
  return PlaceWeights(std::move(model), std::move(checkpoint), list, options);
}

}  // namespace ondelette::engine
