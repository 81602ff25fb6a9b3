#include "tests/unit/model/tiny_networks.h"

#include <cmath>
#include <string>
#include <utility>

namespace ondelette::testing {
namespace {

constexpr int64_t kVocab = 10, kHidden = 6, kInner = 7, kPositions = 6;

// As tiny_networks.py's fill(): numbered in the order of the names.
void Fill(TinyCheckpoint& network) {
  double index = 0;
  for (auto& [name, tensor] : network.tensors) {
    const bool one_row = tensor.shape.size() == 1;
    const double mean = one_row && name.back() == 't' ? 1 : 0;  // weight, bias
    int64_t count = 1;
    for (int64_t dimension : tensor.shape) count *= dimension;
    for (int64_t k = 0; k < count; ++k) {
      const double place = static_cast<double>(k);
      const double wave = std::sin(0.37 * place * place + index);
      tensor.values.push_back(static_cast<float>(mean + (one_row ? 0.2 : 0.8) * wave));
    }
    ++index;
  }
}

TinyCheckpoint Empty(nlohmann::json config) {
  TinyCheckpoint network;
  network.config = std::move(config);
  network.tensors.clear();
  return network;
}

// Collects NAME.weight and, where there is one, NAME.bias.
struct Adder {
  TinyCheckpoint& network;
  void Weight(const std::string& name, std::vector<int64_t> shape) const {
    network.tensors[name + ".weight"].shape = std::move(shape);
  }
  void Both(const std::string& name, std::vector<int64_t> shape, int64_t bias) const {
    Weight(name, std::move(shape));
    network.tensors[name + ".bias"].shape = {bias};
  }
  void Norm(const std::string& name) const { Both(name, {kHidden}, kHidden); }
};

void AddT5Attention(const Adder& add, const std::string& layer, const std::string& name) {
  add.Weight(layer + "layer_norm", {kHidden});
  for (const char* part : {".q", ".k", ".v"}) add.Weight(layer + name + part, {8, kHidden});
  add.Weight(layer + name + ".o", {kHidden, 8});
}

void AddT5Stack(const Adder& add, const std::string& stack, bool crosses) {
  for (const char* index : {"0", "1"}) {
    const std::string layer = stack + ".block." + index + ".layer.";
    AddT5Attention(add, layer + "0.", "SelfAttention");
    if (crosses) AddT5Attention(add, layer + "1.", "EncDecAttention");
    const std::string last = layer + (crosses ? "2." : "1.");
    add.Weight(last + "layer_norm", {kHidden});
    add.Weight(last + "DenseReluDense.wi_0", {kInner, kHidden});
    add.Weight(last + "DenseReluDense.wi_1", {kInner, kHidden});
    add.Weight(last + "DenseReluDense.wo", {kHidden, kInner});
  }
  add.Weight(stack + ".block.0.layer.0.SelfAttention.relative_attention_bias", {6, 2});
  add.Weight(stack + ".final_layer_norm", {kHidden});
}

}  // namespace

TinyCheckpoint TinyGpt2() {
  TinyCheckpoint network = Empty({{"model_type", "gpt2"},
                                  {"vocab_size", kVocab},
                                  {"n_positions", kPositions},
                                  {"n_embd", kHidden},
                                  {"n_layer", 2},
                                  {"n_head", 2},
                                  {"n_inner", kInner},
                                  {"scale_attn_by_inverse_layer_idx", true}});
  const Adder add{network};
  add.Weight("transformer.wte", {kVocab, kHidden});
  add.Weight("transformer.wpe", {kPositions, kHidden});
  for (const char* index : {"0", "1"}) {
    const std::string path = std::string("transformer.h.") + index + ".";
    add.Norm(path + "ln_1");
    add.Norm(path + "ln_2");
    add.Both(path + "attn.c_attn", {kHidden, 3 * kHidden}, 3 * kHidden);
    add.Both(path + "attn.c_proj", {kHidden, kHidden}, kHidden);
    add.Both(path + "mlp.c_fc", {kHidden, kInner}, kInner);
    add.Both(path + "mlp.c_proj", {kInner, kHidden}, kHidden);
  }
  add.Norm("transformer.ln_f");
  Fill(network);
  return network;
}

TinyCheckpoint TinyBert() {
  TinyCheckpoint network = Empty({{"model_type", "bert"},
                                  {"vocab_size", kVocab},
                                  {"hidden_size", kHidden},
                                  {"num_hidden_layers", 2},
                                  {"num_attention_heads", 2},
                                  {"intermediate_size", kInner},
                                  {"max_position_embeddings", kPositions}});
  const Adder add{network};
  add.Weight("embeddings.word_embeddings", {kVocab, kHidden});
  add.Weight("embeddings.position_embeddings", {kPositions, kHidden});
  add.Weight("embeddings.token_type_embeddings", {2, kHidden});
  add.Norm("embeddings.LayerNorm");
  for (const char* index : {"0", "1"}) {
    const std::string path = std::string("encoder.layer.") + index + ".";
    for (const char* part : {"self.query", "self.key", "self.value", "output.dense"}) {
      add.Both(path + "attention." + part, {kHidden, kHidden}, kHidden);
    }
    add.Norm(path + "attention.output.LayerNorm");
    add.Both(path + "intermediate.dense", {kInner, kHidden}, kInner);
    add.Both(path + "output.dense", {kHidden, kInner}, kHidden);
    add.Norm(path + "output.LayerNorm");
  }
  Fill(network);
  return network;
}

TinyCheckpoint TinyT5() {
  TinyCheckpoint network = Empty({{"model_type", "t5"},
                                  {"vocab_size", kVocab},
                                  {"d_model", kHidden},
                                  {"d_kv", 4},
                                  {"d_ff", kInner},
                                  {"num_layers", 2},
                                  {"num_heads", 2},
                                  {"feed_forward_proj", "gated-gelu"},
                                  {"relative_attention_num_buckets", 6},
                                  {"relative_attention_max_distance", 4},
                                  {"decoder_start_token_id", 2}});
  const Adder add{network};
  add.Weight("shared", {kVocab, kHidden});
  AddT5Stack(add, "encoder", false);
  AddT5Stack(add, "decoder", true);
  Fill(network);
  return network;
}

}  // namespace ondelette::testing
