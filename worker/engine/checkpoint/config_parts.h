// What the parsers of config.json have in common: bounds, activations, rotary figures.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_PARTS_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_PARTS_H_

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/model_config.h"

namespace ondelette {

inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxHeads = 4096;
inline constexpr int64_t kMaxHidden = 65536;
inline constexpr int64_t kMaxIntermediate = 1 << 20;
inline constexpr int64_t kMaxVocab = 1 << 24;
inline constexpr int64_t kMaxPositions = int64_t{1} << 30;
inline constexpr double kMinTheta = 1e-3;
inline constexpr double kMaxTheta = 1e15;

// The activation that the field names; `otherwise` where it is absent.
Activation ReadActivation(ConfigFields& fields, absl::string_view field, Activation otherwise);
// The activation of this name, which stands in the field.
Activation ActivationNamed(absl::string_view name, ConfigFields& fields, absl::string_view field,
                           Activation otherwise);

// dtype, or as transformers 4 has it torch_dtype.
void ReadStoredDType(ConfigFields& fields, ModelConfig& config);

// key_heads, head_dim and attention_scale from num_key_value_heads and head_dim or, where they are
// absent, as given (0: heads, and hidden / heads). heads and hidden are set.
void ReadHeads(ConfigFields& fields, int64_t key_heads, int64_t head_dim, ModelConfig& config);

// key_heads, head_dim and attention_scale where the heads share out the hidden width, whose field is
// named. heads and hidden are set.
void ReadEvenHeads(ConfigFields& fields, absl::string_view hidden_field, ModelConfig& config);

// A figure that the config may give under two names, of which `alias` wins where it has both:
// transformers' attribute_map.
int64_t AliasedInt(ConfigFields& fields, absl::string_view alias, absl::string_view field,
                   int64_t otherwise, int64_t least, int64_t most);

// The object with the rotary figures: rope_scaling where it says something, as in transformers,
// else rope_parameters, else an empty one.
absl::StatusOr<nlohmann::json> RopeObject(const nlohmann::json& object, absl::string_view file);

// rope_scaling from that object. UNIMPLEMENTED ARCHITECTURE_UNSUPPORTED for kinds that are not
// computed.
absl::Status ReadRopeScaling(const nlohmann::json& rope, absl::string_view file,
                             ModelConfig& config);

// theta, dims and scaling of a network whose whole heads turn. head_dim and max_positions are set.
absl::Status ReadWholeHeadRope(const nlohmann::json& object, absl::string_view file,
                               ModelConfig& config);

// UNIMPLEMENTED ARCHITECTURE_UNSUPPORTED: field `field` asks for something that is not computed.
absl::Status UnsupportedField(absl::string_view file, absl::string_view field,
                              absl::string_view what);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_PARTS_H_
