// T5, to be held against transformers' modeling_t5.py. Shapes: n tokens, D hidden, H heads of d,
// I intermediate. Scores are not scaled: the checkpoints' weights do that.
#include "worker/engine/model/t5.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/passes.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/relative_bias.h"
#include "worker/engine/model/weight_list.h"

namespace ondelette::engine {
namespace {

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
  Embedding embed_tokens;              // the decoder's empty where it is shared
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

  HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const override {
    HiddenStates states{Lengths(passes), encoder_.embed_tokens(TokenTensor(passes, device_)), {}};
    if (!decodes_) return states;
    for (const Block& block : encoder_.blocks) Run(encoder_, block, states, Unobserved, true);
    states.encoded = encoder_.final_layer_norm(states.tokens);
    const Embedding& own = decoder_.embed_tokens;
    states.tokens = (own.table.defined() ? own : encoder_.embed_tokens)(Shifted(passes));
    return states;
  }

  void Layer(int64_t index, HiddenStates& states, PassObservers observers) const override {
    const StackWeights& stack = Observed();
    Run(stack, stack.blocks[static_cast<size_t>(index)], states, observers, index + 1 < layers());
  }

  void List(WeightList& list);

 private:
  const StackWeights& Observed() const { return decodes_ ? decoder_ : encoder_; }

  // What a decoder reads: every pass without its last token, behind the start token. [rows]
  at::Tensor Shifted(std::span<const std::span<const int32_t>> passes) const {
    std::vector<std::vector<int32_t>> shifted;
    for (std::span<const int32_t> pass : passes) {
      shifted.emplace_back(pass.begin(), pass.end()).pop_back();
      shifted.back().insert(shifted.back().begin(),
                            static_cast<int32_t>(config_.decoder_start_token));
    }
    return TokenTensor(std::vector<std::span<const int32_t>>(shifted.begin(), shifted.end()),
                       device_);
  }

  // The block with its stack's biases; it attends to states.encoded where there is one.
  void Run(const StackWeights& stack, const Block& block, HiddenStates& states,
           PassObservers observers, bool output_needed) const {
    const at::Tensor x = block.self.layer_norm(states.tokens);
    const bool causal = states.encoded.defined();
    const RelativeBuckets buckets{config_.relative_buckets, config_.relative_max_distance, !causal};
    auto rule = [&](int64_t tokens) -> AttentionRule {
      return {.scale = 1,
              .causal = causal,
              .distance_bias = DistanceBias(buckets, stack.relative_attention_bias, tokens)};
    };
    at::Tensor mixed = Attend(block.self, states.lengths, x, x, rule, observers, output_needed);
    if (!output_needed) return;
    at::Tensor residual = states.tokens + block.self.o(mixed);
    if (causal) {
      auto all = [](int64_t) -> AttentionRule { return {.scale = 1, .causal = false}; };
      at::Tensor crossed = Attend(block.cross, states.lengths, block.cross.layer_norm(residual),
                                  states.encoded, all, Unobserved, true);
      residual = residual + block.cross.o(crossed);
    }
    at::Tensor inner = block.mlp_norm(residual);
    states.tokens = residual + (config_.gated_mlp ? block.gated_mlp(inner) : block.mlp(inner));
  }

  at::Tensor Attend(const AttentionWeights& weights, const std::vector<int64_t>& lengths,
                    const at::Tensor& from, const at::Tensor& to,
                    absl::FunctionRef<AttentionRule(int64_t tokens)> rule, PassObservers observers,
                    bool output_needed) const {
    const at::Tensor queries = weights.q(from), keys = weights.k(to);
    const at::Tensor values = output_needed ? weights.v(to) : at::Tensor();
    auto prepare = [&](PassRows rows) -> PassAttention {
      const int64_t H = config_.heads;
      return {.query = SplitHeads(rows.Of(queries), H),
              .key = SplitHeads(rows.Of(keys), H),
              .value = output_needed ? SplitHeads(rows.Of(values), H) : at::Tensor(),
              .rule = rule(rows.tokens)};
    };
    return AttendPasses(lengths, observers, output_needed, prepare);
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
  list.ForOutput();
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
  const auto blocks = static_cast<int64_t>(stack.blocks.size());
  const bool observed = &stack == &Observed();
  list.Tensor(name + "block.0.layer.0.SelfAttention.relative_attention_bias.weight",
              {config_.relative_buckets, config_.heads}, stack.relative_attention_bias);
  for (size_t index = 0; index < stack.blocks.size(); ++index) {
    Block& block = stack.blocks[index];
    const std::string path = absl::StrCat(name, "block.", index, ".layer.");
    if (observed) list.Layer(static_cast<int64_t>(index), blocks);
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
  list.TiedEmbedding({kEncoder, "shared.weight", kDecoder}, tied, config_.vocab, D,
                     encoder_.embed_tokens);
  ListStack("encoder.", false, encoder_, list);
  if (!decodes_) return;
  list.RmsNorm("encoder.final_layer_norm", D, config_.norm_epsilon, encoder_.final_layer_norm);
  if (list.Has(kDecoder)) list.Embedding(kDecoder, config_.vocab, D, decoder_.embed_tokens);
  ListStack("decoder.", true, decoder_, list);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadT5(std::shared_ptr<const Checkpoint> checkpoint,
                                              const Spec& spec, const LoadOptions& options) {
  const ModelConfig& config = checkpoint->config();
  auto model = std::make_unique<T5>(config, options.device, spec.stack == Stack::kDecoder,
                                    std::min(options.layers, StackLayers(spec, config)));
  WeightList list(*checkpoint, "transformer.", "encoder.block.0.layer.0.layer_norm.weight");
  model->List(list);
  return PlaceWeights(std::move(model), std::move(checkpoint), list, options);
}

}  // namespace ondelette::engine
