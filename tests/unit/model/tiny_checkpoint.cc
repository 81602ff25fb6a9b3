#include "tests/unit/model/tiny_checkpoint.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <utility>

#include "worker/engine/checkpoint/safetensors_writer.h"

namespace ondelette::testing {
namespace {

constexpr int64_t kLayers = 3, kHeads = 2, kHidden = 16, kInner = 32, kVocab = 40;

TinyTensor Random(std::vector<int64_t> shape, float deviation, float mean, std::mt19937& engine) {
  size_t count = 1;
  for (int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  std::normal_distribution<float> normal(mean, deviation);
  TinyTensor tensor{std::move(shape), std::vector<float>(count)};
  for (float& value : tensor.values) value = normal(engine);
  return tensor;
}

}  // namespace

TinyCheckpoint::TinyCheckpoint(const std::string& prefix) {
  config = {{"architectures", {"GPTNeoXForCausalLM"}},
            {"model_type", "gpt_neox"},
            {"hidden_act", "gelu"},
            {"hidden_size", kHidden},
            {"intermediate_size", kInner},
            {"layer_norm_eps", 1e-5},
            {"max_position_embeddings", 2048},
            {"num_attention_heads", kHeads},
            {"num_hidden_layers", kLayers},
            {"rotary_emb_base", 10000},
            {"rotary_pct", 0.25},
            {"use_parallel_residual", true},
            {"vocab_size", kVocab}};
  std::mt19937 engine(7);
  tensors[prefix + "embed_in.weight"] = Random({kVocab, kHidden}, 1, 0, engine);
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    const std::string path = prefix + "layers." + std::to_string(layer) + ".";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) {
      tensors[path + norm + ".weight"] = Random({kHidden}, 0.1f, 1, engine);
      tensors[path + norm + ".bias"] = Random({kHidden}, 0.1f, 0, engine);
    }
    auto linear = [&](const std::string& name, int64_t out, int64_t in) {
      tensors[path + name + ".weight"] = Random({out, in}, 0.4f, 0, engine);
      tensors[path + name + ".bias"] = Random({out}, 0.1f, 0, engine);
    };
    linear("attention.query_key_value", 3 * kHidden, kHidden);
    linear("attention.dense", kHidden, kHidden);
    linear("mlp.dense_h_to_4h", kInner, kHidden);
    linear("mlp.dense_4h_to_h", kHidden, kInner);
  }
}

std::string TinyCheckpoint::Write(const TempFolder& folder) const {
  folder.Write("config.json", config.dump());
  std::vector<TensorDeclaration> declarations;
  for (const auto& [name, tensor] : tensors) {
    declarations.push_back({name, DType::kF32, tensor.shape});
  }
  auto writer = SafetensorsWriter::Create(folder.Path("model.safetensors"), declarations);
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE((*writer)->Write(name, 0, std::as_bytes(std::span(tensor.values))).ok());
  }
  EXPECT_TRUE((*writer)->Finish().ok());
  return folder.path();
}

}  // namespace ondelette::testing
