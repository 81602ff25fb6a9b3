// T5, to be held against transformers' modeling_t5.py. Shapes: n tokens, D hidden, H heads of d,
// I intermediate. Scores are not scaled: the checkpoints' weights do that.
#include "worker/engine/model/t5.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/attention.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/relative_bias.h"
#include "worker/engine/model/weight_list.h"

namespace ondelette::engine {
namespace {

// Queries by tile where nobody looks: the encoder below a decoder.
constexpr int64_t kUnobservedTile = 128;

struct AttentionWeights {
  RmsNorm layer_norm;
  Linear q, k, v, o;
};

struct Block {
  AttentionWeights self, cross;  // cross: the decoder's alone
  RmsNorm mlp_norm;
  Mlp mlp;  // the one or the other
  GatedMlp gated_mlp;
};

struct StackWeights {
  at::Tensor embed_tokens;  // [vocabulary, D]; the decoder's undefined where it is shared
  at::Tensor relative_attention_bias;  // [buckets, H], block 0's for all of them
  std::vector<Block> blocks;
  RmsNorm final_layer_norm;  // the encoder's alone
};

class T5 : public Model {
 public:
  T5(const ModelConfig& config, at::Device device, bool decodes, int64_t layers)
      : config_(config), device_(device), decodes_(decodes) {
    encoder_.blocks.resize(static_cast<size_t>(decodes ? config.layers : layers));
    if (decodes) decoder_.blocks.resize(static_cast<size_t>(layers));
  }

  int64_t layers() const override { return static_cast<int64_t>(Observed().blocks.size()); }
  int64_t heads() const override { return config_.heads; }
  int64_t vocabulary() const override { return config_.vocab; }
  bool causal() const override { return decodes_; }
  bool prefix_exact() const override { return false; }
  at::Device device() const override { return device_; }

  HiddenStates Embed(std::span<const int32_t> tokens) const override {
    HiddenStates hidden{at::embedding(encoder_.embed_tokens, TokenTensor(tokens, device_)), {}};
    if (!decodes_) return hidden;
    for (const Block& block : encoder_.blocks) {
      Run(encoder_, block, hidden, {}, true);
    }
    std::vector<int32_t> shifted{static_cast<int32_t>(config_.decoder_start_token)};
    shifted.insert(shifted.end(), tokens.begin(), tokens.end());
    at::Tensor places = TokenTensor(std::span(shifted).first(tokens.size()), device_);
    const at::Tensor& own = decoder_.embed_tokens;
    return {at::embedding(own.defined() ? own : encoder_.embed_tokens, places),
            encoder_.final_layer_norm(hidden.tokens)};
  }

  void Layer(int64_t index, HiddenStates& hidden, const AttentionObserver& observer,
             bool output_needed) const override {
    const StackWeights& stack = Observed();
    Run(stack, stack.blocks[static_cast<size_t>(index)], hidden, observer, output_needed);
  }

  void List(WeightList& list);

 private:
  const StackWeights& Observed() const { return decodes_ ? decoder_ : encoder_; }

  // The block with its stack's biases; it attends to hidden.encoded where there is one.
  void Run(const StackWeights& stack, const Block& block, HiddenStates& hidden,
           const AttentionObserver& observer, bool output_needed) const {
    at::Tensor x = block.self.layer_norm(hidden.tokens);
    const bool causal = hidden.encoded.defined();
    const RelativeBuckets buckets{config_.relative_buckets, config_.relative_max_distance, !causal};
    const AttentionRule rule{
        .scale = 1,
        .causal = causal,
        .distance_bias = DistanceBias(buckets, stack.relative_attention_bias, x.size(0))};
    at::Tensor mixed = Attend(block.self, x, x, rule, observer, output_needed);
    if (!output_needed) return;
    at::Tensor residual = hidden.tokens + block.self.o(mixed);
    if (hidden.encoded.defined()) {
      at::Tensor crossed =
          Attend(block.cross, block.cross.layer_norm(residual), hidden.encoded,
                 {.scale = 1, .causal = false}, {}, true);
      residual = residual + block.cross.o(crossed);
    }
    at::Tensor inner = block.mlp_norm(residual);
    hidden.tokens = residual + (config_.gated_mlp ? block.gated_mlp(inner) : block.mlp(inner));
  }

  at::Tensor Attend(const AttentionWeights& weights, const at::Tensor& from, const at::Tensor& to,
                    const AttentionRule& rule, const AttentionObserver& observer,
                    bool output_needed) const {
    at::Tensor query = SplitHeads(weights.q(from), config_.heads);
    at::Tensor key = SplitHeads(weights.k(to), config_.heads);
    at::Tensor value = SplitHeads(weights.v(to), config_.heads);
    return Attention(query, key, value, rule, observer, output_needed);
  }

  void ListAttention(const std::string& path, const std::string& name, AttentionWeights& weights,
                     WeightList& list) const;
  void ListMlp(const std::string& path, Block& block, WeightList& list) const;
  void ListStack(const std::string& name, bool crosses, StackWeights& stack,
                 WeightList& list) const;

  const ModelConfig config_;
  const at::Device device_;
  const bool decodes_;
  StackWeights encoder_, decoder_;
};

void T5::ListAttention(const std::string& path, const std::string& name, AttentionWeights& weights,
                       WeightList& list) const {
  const int64_t D = config_.hidden, inner = config_.heads * config_.head_dim;
  list.RmsNorm(path + "layer_norm", D, config_.norm_epsilon, weights.layer_norm);
  list.Linear(path + name + ".q", inner, D, false, weights.q);
  list.Linear(path + name + ".k", inner, D, false, weights.k);
  list.Linear(path + name + ".v", inner, D, false, weights.v);
  list.Linear(path + name + ".o", D, inner, false, weights.o);
}

void T5::ListMlp(const std::string& path, Block& block, WeightList& list) const {
  const int64_t D = config_.hidden, I = config_.intermediate;
  list.RmsNorm(path + "layer_norm", D, config_.norm_epsilon, block.mlp_norm);
  block.mlp.activation = block.gated_mlp.activation = config_.hidden_activation;
  const std::string name = path + "DenseReluDense.";
  if (config_.gated_mlp) {
    list.Linear(name + "wi_0", I, D, false, block.gated_mlp.gate);
    list.Linear(name + "wi_1", I, D, false, block.gated_mlp.up);
    list.Linear(name + "wo", D, I, false, block.gated_mlp.down);
  } else {
    list.Linear(name + "wi", I, D, false, block.mlp.up);
    list.Linear(name + "wo", D, I, false, block.mlp.down);
  }
}

void T5::ListStack(const std::string& name, bool crosses, StackWeights& stack,
                   WeightList& list) const {
  list.Tensor(name + "block.0.layer.0.SelfAttention.relative_attention_bias.weight",
              {config_.relative_buckets, config_.heads}, stack.relative_attention_bias);
  for (size_t index = 0; index < stack.blocks.size(); ++index) {
    Block& block = stack.blocks[index];
    const std::string path = absl::StrCat(name, "block.", index, ".layer.");
    ListAttention(path + "0.", "SelfAttention", block.self, list);
    if (crosses) ListAttention(path + "1.", "EncDecAttention", block.cross, list);
    ListMlp(path + (crosses ? "2." : "1."), block, list);
  }
}

void T5::List(WeightList& list) {
  constexpr char kEncoder[] = "encoder.embed_tokens.weight",
                 kDecoder[] = "decoder.embed_tokens.weight";
  const int64_t D = config_.hidden;
  std::vector<absl::string_view> tied;
  if (config_.tie_embeddings) tied.emplace_back("lm_head.weight");
  list.Embedding({kEncoder, "shared.weight", kDecoder}, tied, config_.vocab, D,
                 encoder_.embed_tokens);
  ListStack("encoder.", false, encoder_, list);
  if (!decodes_) return;
  list.RmsNorm("encoder.final_layer_norm", D, config_.norm_epsilon, encoder_.final_layer_norm);
  if (list.Has(kDecoder)) list.Tensor(kDecoder, {config_.vocab, D}, decoder_.embed_tokens);
  ListStack("decoder.", true, decoder_, list);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadT5(const Checkpoint& checkpoint, const Spec& spec,
                                              at::Device device, int64_t layers,
                                              LoadProgress progress) {
  const ModelConfig& config = checkpoint.config();
  auto model = std::make_unique<T5>(config, device, spec.stack == Stack::kDecoder,
                                    std::min(layers, StackLayers(spec, config)));
  WeightList list(checkpoint, "transformer.", "encoder.block.0.layer.0.layer_norm.weight");
  model->List(list);
  absl::Status status = list.Load(device, progress);
  if (!status.ok()) return status;
  return model;
}

}  // namespace ondelette::engine
