// What config.json says of a network: one struct for every architecture, in our own words.
//
// The defaults of absent fields are those of transformers 5 (identical in 4). Every figure is
// within sane bounds, so that products of a few of them cannot overflow int64. Values; thread-safe.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_MODEL_CONFIG_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_MODEL_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {

// The families of networks the engine knows. Each has a parser (NAME_config.cc) and a network
// (model/NAME.cc); Llama's serve Mistral and Qwen 2 too.
enum class Architecture { kGptNeox, kLlama, kMistral, kQwen2, kGemma2, kGpt2, kBert, kT5 };

// The function between an MLP's two matrices. transformers has several names for one function;
// these are the functions.
enum class Activation {
  kGelu,       // x Phi(x) with erf: gelu, gelu_python
  kGeluTanh,   // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): gelu_new, gelu_fast,
               // gelu_pytorch_tanh, gelu_python_tanh, gelu_accurate
  kQuickGelu,  // x sigmoid(1.702 x): quick_gelu
  kRelu,       // max(x, 0): relu
  kSilu,       // x sigmoid(x): silu, swish
  kTanh,       // tanh(x): tanh
};

// How rotary frequencies are changed for contexts longer than those of the first training
// (model/rope.h has the rules).
struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3 } kind = Kind::kNone;
  double factor = 1;                   // >= 1
  double low_freq_factor = 1;          // llama3: > 0, and below high_freq_factor
  double high_freq_factor = 4;         // llama3
  int64_t original_max_positions = 0;  // llama3
};

struct ModelConfig {
  Architecture architecture = Architecture::kGptNeox;
  int64_t layers = 0;         // 1 to 4096
  int64_t hidden = 0;         // width of the residual stream; to 65536
  int64_t heads = 0;          // 1 to 4096
  int64_t key_heads = 0;      // heads of keys and values, a divisor of heads
  int64_t head_dim = 0;       // hidden / heads unless the config says otherwise; to 65536
  int64_t intermediate = 0;   // width of the MLP; to 1048576
  int64_t vocab = 0;          // token ids are 0 to vocab - 1; to 16777216
  int64_t max_positions = 0;  // tokens a sequence may have when the network was trained; 0: unsaid

  // Encoder-decoder networks, whose `layers` are the encoder's. What the decoder reads begins with
  // decoder_start_token, 0 to vocab - 1.
  int64_t decoder_layers = 0;
  int64_t decoder_start_token = 0;

  int64_t learned_positions = 0;  // positions with an embedding of their own; 0: none has
  int64_t token_types = 0;        // kinds of segments with an embedding of their own; to 65536

  // Biases of the scores by distance (model/relative_bias.h): so many, 4 to 65536, and the distance
  // in tokens from which on all have the last one; above relative_buckets / 2. 0: no such biases.
  int64_t relative_buckets = 0;
  int64_t relative_max_distance = 0;

  // Rotary embedding. rotary_dims = int(head_dim x rotary_fraction) is the D of the frequencies
  // rope_theta^(-2i/D), i = 0 .. ceil(D/2)-1; the first 2 ceil(D/2) dimensions of each head turn.
  double rotary_fraction = 0;  // 0 to 1
  int64_t rotary_dims = 0;     // 0: no dimension turns; 2 ceil(rotary_dims / 2) <= head_dim
  double rope_theta = 0;       // finite, > 0
  RopeScaling rope_scaling;

  double attention_scale = 1;    // factor of the scores, 1 / sqrt(head_dim) in most networks
  bool scale_by_layer = false;   // scores of layer i, counted from 0, are divided by i + 1 too
  double attention_softcap = 0;  // scores become c tanh(scores / c); 0: they stay
  // By layer: key j is seen by queries j to j + window - 1 only; 0: by all after it. Empty: 0
  // everywhere.
  std::vector<int64_t> sliding_windows;

  double norm_epsilon = 0;  // added to the variance in norms; 0 to 1
  Activation hidden_activation = Activation::kGelu;
  bool parallel_residual =
      true;                    // x + attention(norm1(x)) + mlp(norm2(x)), else one after the other
  bool attention_bias = true;  // the projections to queries, keys and values have a bias
  bool attention_output_bias = true;  // and the one back
  bool mlp_bias = true;
  bool gated_mlp = false;        // T5: the MLP has a gate (model/pieces.h, GatedMlp)
  bool tie_embeddings = false;   // the LM head's matrix is the embedding's
  double initializer_range = 0;  // standard deviation of fresh weights, for `init`; 0 to 10
  // The dtype the config announces (torch_dtype or dtype), where it names one we know. The tensors
  // themselves say what they are stored in.
  std::optional<DType> stored_dtype;
};

// What config.json calls it: gpt_neox, llama, ...
absl::string_view ArchitectureName(Architecture architecture);

// Reads the text of a config.json; `file` is for messages. UNIMPLEMENTED ARCHITECTURE_UNSUPPORTED
// (naming the architecture, or the variant of it, and what is supported), INVALID_ARGUMENT
// CONFIG_INVALID (naming the field).
absl::StatusOr<ModelConfig> ParseModelConfig(absl::string_view text, absl::string_view file);

// The same from the file itself. Adds those of MappedFile::Open.
absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& path);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_MODEL_CONFIG_H_
