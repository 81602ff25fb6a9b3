// BERT, to be held against transformers' modeling_bert.py. Shapes: n tokens, D hidden, H heads of
// d = D / H, I intermediate.
#include "worker/engine/model/bert.h"

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

  HiddenStates Embed(std::span<const int32_t> tokens) const override {
    at::Tensor words = at::embedding(word_embeddings_, TokenTensor(tokens, device_));
    at::Tensor hidden = words + token_type_embeddings_.select(0, 0);
    if (position_embeddings_.defined()) {
      hidden = hidden + position_embeddings_.narrow(0, 0, hidden.size(0));
    }
    return {embeddings_norm_(hidden), {}};
  }

  void Layer(int64_t index, HiddenStates& hidden, const AttentionObserver& observer,
             bool output_needed) const override {
    const LayerWeights& layer = layers_[static_cast<size_t>(index)];
    const at::Tensor& x = hidden.tokens;
    at::Tensor query = SplitHeads(layer.query(x), config_.heads);
    at::Tensor key = SplitHeads(layer.key(x), config_.heads);
    at::Tensor value = SplitHeads(layer.value(x), config_.heads);
    const AttentionRule rule{.scale = config_.attention_scale, .causal = false};
    at::Tensor mixed = Attention(query, key, value, rule, observer, output_needed);
    if (!output_needed) return;
    at::Tensor attended = layer.attention_norm(layer.attention_output(mixed) + x);
    hidden.tokens = layer.output_norm(layer.mlp(attended) + attended);
  }

  void List(bool positions, WeightList& list);

 private:
  const ModelConfig config_;
  const at::Device device_;
  at::Tensor word_embeddings_;        // [vocabulary, D]
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
  list.Embedding({"embeddings.word_embeddings.weight"}, tied, config_.vocab, D, word_embeddings_);
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
    list.Linear(path + "attention.self.query", D, D, true, layer.query);
    list.Linear(path + "attention.self.key", D, D, true, layer.key);
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

absl::StatusOr<std::unique_ptr<Model>> LoadBert(const Checkpoint& checkpoint, const Spec& spec,
                                                at::Device device, int64_t layers,
                                                LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<Bert>(config, device, std::min(layers, config.layers));
  WeightList list(checkpoint, "bert.", "encoder.layer.0.attention.self.query.weight");
  model->List(spec.position_embeddings == PositionEmbeddings::kKept, list);
  absl::Status status = list.Load(device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
