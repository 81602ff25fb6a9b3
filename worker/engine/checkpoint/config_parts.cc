#include "worker/engine/checkpoint/config_parts.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr double kMaxRopeFactor = 1e6;

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

// Every figure must be written: transformers has no defaults for them either, but for the context.
double Required(ConfigFields& fields, absl::string_view field, double least) {
  if (!fields.Has(field)) fields.Refuse(field, "the rope type needs it");
  return fields.Number(field, 1, least, kMaxRopeFactor);
}

}  // namespace

Activation ReadActivation(ConfigFields& fields, absl::string_view field, Activation otherwise) {
  if (!fields.Has(field)) return otherwise;
  return ActivationNamed(fields.Text(field, ""), fields, field, otherwise);
}

Activation ActivationNamed(absl::string_view name, ConfigFields& fields, absl::string_view field,
                           Activation otherwise) {
  std::string known;
  for (const ActivationName& row : kActivations) {
    if (row.name == name) return row.activation;
    absl::StrAppend(&known, known.empty() ? "" : ", ", row.name);
  }
  fields.Refuse(field, absl::StrCat("it takes one of ", known));
  return otherwise;
}

void ReadStoredDType(ConfigFields& fields, ModelConfig& config) {
  config.stored_dtype = DTypeFromTorch(fields.Text("dtype", fields.Text("torch_dtype", "")));
}

void ReadHeads(ConfigFields& fields, int64_t key_heads, int64_t head_dim, ModelConfig& config) {
  if (key_heads == 0) key_heads = config.heads;
  config.key_heads = fields.Int("num_key_value_heads", key_heads, 1, kMaxHeads);
  if (config.heads % config.key_heads != 0) {
    fields.Refuse("num_key_value_heads",
                  absl::StrCat("it does not divide num_attention_heads, ", config.heads));
  }
  config.head_dim = fields.Int("head_dim", head_dim, 1, kMaxHidden);
  if (config.head_dim == 0) {
    config.head_dim = config.hidden / config.heads;
    if (config.hidden % config.heads != 0) {
      fields.Refuse("hidden_size",
                    absl::StrCat("it is not a multiple of num_attention_heads, ", config.heads));
    }
  }
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
}

void ReadEvenHeads(ConfigFields& fields, absl::string_view hidden_field, ModelConfig& config) {
  if (config.hidden % config.heads != 0) {
    fields.Refuse(hidden_field,
                  absl::StrCat("it is not a multiple of num_attention_heads, ", config.heads));
  }
  config.key_heads = config.heads;
  config.head_dim = config.hidden / config.heads;
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
}

int64_t AliasedInt(ConfigFields& fields, absl::string_view alias, absl::string_view field,
                   int64_t otherwise, int64_t least, int64_t most) {
  return fields.Int(fields.Has(alias) ? alias : field, otherwise, least, most);
}

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

absl::Status ReadRopeScaling(const json& rope, absl::string_view file, ModelConfig& config) {
  ConfigFields fields(rope, file);
  std::string type = fields.Text("rope_type", fields.Text("type", "default"));
  for (const auto& [name, value] : rope.items()) {
    if (value.is_object()) type = absl::StrCat(name, " (by layer type)");
  }
  if (!fields.status().ok() || type == "default") return fields.status();
  RopeScaling& scaling = config.rope_scaling;
  if (type == "linear") {
    scaling.kind = RopeScaling::Kind::kLinear;
    scaling.factor = Required(fields, "factor", 1);
  } else if (type == "llama3") {
    scaling.kind = RopeScaling::Kind::kLlama3;
    scaling.factor = Required(fields, "factor", 1);
    scaling.low_freq_factor = Required(fields, "low_freq_factor", 1e-6);
    scaling.high_freq_factor = Required(fields, "high_freq_factor", 1e-6);
    scaling.original_max_positions =
        fields.Int("original_max_position_embeddings", config.max_positions, 1, kMaxPositions);
    if (scaling.high_freq_factor <= scaling.low_freq_factor) {
      fields.Refuse("high_freq_factor", "it is not above low_freq_factor");
    }
  } else {
    return UnsupportedField(
        file, "rope_type",
        absl::StrCat("is '", type, "': default, linear and llama3 are computed"));
  }
  return fields.status();
}

absl::Status ReadWholeHeadRope(const json& object, absl::string_view file, ModelConfig& config) {
  absl::StatusOr<json> rope = RopeObject(object, file);
  if (!rope.ok()) return rope.status();
  if (absl::Status scaling = ReadRopeScaling(*rope, file, config); !scaling.ok()) return scaling;
  ConfigFields outer(object, file);
  ConfigFields inner(*rope, file);
  config.rope_theta =
      inner.Number("rope_theta", outer.Number("rope_theta", 10000.0, kMinTheta, kMaxTheta),
                   kMinTheta, kMaxTheta);
  for (ConfigFields* fields : {&inner, &outer}) {
    if (fields->Number("partial_rotary_factor", 1, 0, 1) != 1) {
      return UnsupportedField(file, "partial_rotary_factor",
                              "is not 1: in this architecture whole heads turn");
    }
  }
  config.rotary_fraction = 1;
  config.rotary_dims = config.head_dim;
  if (config.head_dim % 2 != 0) {
    outer.Refuse("head_dim",
                 absl::StrCat("heads of ", config.head_dim, " dimensions cannot turn by pairs"));
  }
  return inner.status().ok() ? outer.status() : inner.status();
}

absl::Status UnsupportedField(absl::string_view file, absl::string_view field,
                              absl::string_view what) {
  return MakeError(absl::StatusCode::kUnimplemented, "ARCHITECTURE_UNSUPPORTED",
                   absl::StrCat(file, ": field '", field, "' ", what), "choose a model without it");
}

}  // namespace ondelette
