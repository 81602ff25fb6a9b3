#include "worker/engine/checkpoint/gpt_neox_config.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/config_fields.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxHeads = 4096;
constexpr int64_t kMaxHidden = 65536;
constexpr int64_t kMaxIntermediate = 1 << 20;
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxPositions = int64_t{1} << 30;
constexpr double kMinTheta = 1e-3;
constexpr double kMaxTheta = 1e15;

// The object with the rotary figures: rope_scaling where it says something, as in transformers,
// else rope_parameters, else an empty one.
absl::StatusOr<json> RopeObject(const json& object, absl::string_view file) {
  for (const char* field : {"rope_scaling", "rope_parameters"}) {
    auto found = object.find(field);
    if (found == object.end() || found->is_null() || (found->is_object() && found->empty())) {
      continue;
    }
    if (found->is_object()) return *found;
    ConfigFields fields(object, file);
    fields.Refuse(field, "it takes an object or null");
    return fields.status();
  }
  return json::object();
}

// Only the plain rotary embedding, alike in every layer, is computed.
absl::Status CheckRopeType(const json& rope, absl::string_view file) {
  ConfigFields fields(rope, file);
  std::string type = fields.Text("rope_type", fields.Text("type", "default"));
  if (!fields.status().ok()) return fields.status();
  for (const auto& [name, value] : rope.items()) {
    if (value.is_object()) type = absl::StrCat(name, " (by layer type)");
  }
  if (type == "default") return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnimplemented, "ARCHITECTURE_UNSUPPORTED",
                   absl::StrCat(file, ": field 'rope_type' is ", Quoted(type),
                                ": GPT-NeoX is computed with rope type 'default' only"),
                   "choose a model without rope scaling");
}

// A version 4 config says some figures twice; transformers looks at the other name only.
void CheckAgrees(ConfigFields& fields, absl::string_view field, double used,
                 absl::string_view other) {
  if (fields.Has(field) && fields.Number(field, used, 0, kMaxTheta) != used) {
    fields.Refuse(field, absl::StrCat("transformers ignores it for GPT-NeoX and takes ", other,
                                      ", which gives ", used));
  }
}

absl::Status ReadRope(const json& object, absl::string_view file, ModelConfig& config) {
  absl::StatusOr<json> rope = RopeObject(object, file);
  if (!rope.ok()) return rope.status();
  if (absl::Status type = CheckRopeType(*rope, file); !type.ok()) return type;
  ConfigFields outer(object, file);
  ConfigFields inner(*rope, file);
  config.rope_theta =
      inner.Number("rope_theta", outer.Number("rotary_emb_base", 10000.0, kMinTheta, kMaxTheta),
                   kMinTheta, kMaxTheta);
  config.rotary_fraction =
      inner.Number("partial_rotary_factor", outer.Number("rotary_pct", 0.25, 0, 1), 0, 1);
  CheckAgrees(outer, "rope_theta", config.rope_theta, "rotary_emb_base");
  CheckAgrees(outer, "partial_rotary_factor", config.rotary_fraction, "rotary_pct");
  config.rotary_dims =
      static_cast<int64_t>(static_cast<double>(config.head_dim) * config.rotary_fraction);
  if ((config.rotary_dims + 1) / 2 * 2 > config.head_dim) {
    outer.Refuse("num_attention_heads",
                 absl::StrCat("heads of ", config.head_dim, " dimensions cannot turn by pairs"));
  }
  return inner.status().ok() ? outer.status() : inner.status();
}

struct ActivationName {
  absl::string_view name;
  Activation activation;
};

constexpr ActivationName kActivations[] = {{"gelu", Activation::kGelu},
                                           {"gelu_python", Activation::kGelu},
                                           {"gelu_new", Activation::kGeluTanh},
                                           {"gelu_fast", Activation::kGeluTanh},
                                           {"gelu_accurate", Activation::kGeluTanh},
                                           {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                           {"gelu_python_tanh", Activation::kGeluTanh},
                                           {"quick_gelu", Activation::kQuickGelu},
                                           {"relu", Activation::kRelu},
                                           {"silu", Activation::kSilu},
                                           {"swish", Activation::kSilu},
                                           {"tanh", Activation::kTanh}};

void ReadActivation(ConfigFields& fields, ModelConfig& config) {
  std::string name = fields.Text("hidden_act", "gelu");
  std::string known;
  for (const ActivationName& row : kActivations) {
    if (row.name == name) {
      config.hidden_activation = row.activation;
      return;
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", row.name);
  }
  fields.Refuse("hidden_act", absl::StrCat("it takes one of ", known));
}

}  // namespace

absl::StatusOr<ModelConfig> ParseGptNeoxConfig(const json& object, absl::string_view file) {
  ConfigFields fields(object, file);
  ModelConfig config;
  config.architecture = Architecture::kGptNeox;
  config.layers = fields.Int("num_hidden_layers", 44, 1, kMaxLayers);
  config.hidden = fields.Int("hidden_size", 6144, 1, kMaxHidden);
  config.heads = fields.Int("num_attention_heads", 64, 1, kMaxHeads);
  config.intermediate = fields.Int("intermediate_size", 24576, 1, kMaxIntermediate);
  config.vocab = fields.Int("vocab_size", 50432, 1, kMaxVocab);
  config.max_positions = fields.Int("max_position_embeddings", 2048, 1, kMaxPositions);
  config.norm_epsilon = fields.Number("layer_norm_eps", 1e-5, 0, 1);
  config.initializer_range = fields.Number("initializer_range", 0.02, 0, 10);
  config.parallel_residual = fields.Bool("use_parallel_residual", true);
  config.attention_bias = fields.Bool("attention_bias", true);
  config.tie_embeddings = fields.Bool("tie_word_embeddings", false);
  config.stored_dtype = DTypeFromTorch(fields.Text("dtype", fields.Text("torch_dtype", "")));
  ReadActivation(fields, config);
  if (config.hidden % config.heads != 0) {
    fields.Refuse("hidden_size",
                  absl::StrCat("it is not a multiple of num_attention_heads, ", config.heads));
  }
  if (!fields.status().ok()) return fields.status();
  config.head_dim = config.hidden / config.heads;
  if (absl::Status rope = ReadRope(object, file, config); !rope.ok()) return rope;
  return config;
}

}  // namespace ondelette
