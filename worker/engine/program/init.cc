#include "worker/engine/program/init.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/model_config.h"
#include "worker/engine/checkpoint/safetensors_writer.h"
#include "worker/engine/program/flags.h"
#include "worker/engine/program/output.h"
#include "worker/engine/program/random.h"

namespace ondelette::engine {
namespace {

struct Published {
  absl::string_view name;
  InitShape shape;
};
// arXiv 2304.01373, table 1; vocabularies are padded for the number of devices they trained on.
constexpr Published kPublished[] = {
    {"pythia-14m", {6, 128, 4, 50304}},     {"pythia-70m", {6, 512, 8, 50304}},
    {"pythia-160m", {12, 768, 12, 50304}},  {"pythia-410m", {24, 1024, 16, 50304}},
    {"pythia-1b", {16, 2048, 8, 50304}},    {"pythia-1.4b", {24, 2048, 16, 50304}},
    {"pythia-2.8b", {32, 2560, 32, 50304}}, {"pythia-6.9b", {32, 4096, 32, 50432}},
    {"pythia-12b", {36, 5120, 40, 50688}},
};

enum class Init { kSmall, kWang, kZero, kOne };

struct InitTensor {
  TensorDeclaration declaration;
  Init init;
};

std::vector<InitTensor> Tensors(const InitShape& shape, DType dtype) {
  const int64_t D = shape.hidden;
  std::vector<InitTensor> tensors;
  auto add = [&](std::string name, std::vector<int64_t> dimensions, Init init) {
    tensors.push_back({{std::move(name), dtype, std::move(dimensions)}, init});
  };
  add("embed_in.weight", {shape.vocab, D}, Init::kSmall);
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string path = absl::StrCat("layers.", layer, ".");
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) {
      add(absl::StrCat(path, norm, ".weight"), {D}, Init::kOne);
      add(absl::StrCat(path, norm, ".bias"), {D}, Init::kZero);
    }
    auto linear = [&](const char* name, int64_t out, int64_t in, Init init) {
      add(absl::StrCat(path, name, ".weight"), {out, in}, init);
      add(absl::StrCat(path, name, ".bias"), {out}, Init::kZero);
    };
    linear("attention.query_key_value", 3 * D, D, Init::kSmall);
    linear("attention.dense", D, D, Init::kWang);
    linear("mlp.dense_h_to_4h", 4 * D, D, Init::kSmall);
    linear("mlp.dense_4h_to_h", D, 4 * D, Init::kWang);
  }
  add("final_layer_norm.weight", {D}, Init::kOne);
  add("final_layer_norm.bias", {D}, Init::kZero);
  return tensors;
}

std::string ConfigText(const InitShape& shape, DType dtype) {
  const char* word = dtype == DType::kF32   ? "float32"
                     : dtype == DType::kF16 ? "float16"
                                            : "bfloat16";
  const nlohmann::ordered_json config{{"architectures", {"GPTNeoXModel"}},
                                      {"model_type", "gpt_neox"},
                                      {"hidden_act", "gelu"},
                                      {"hidden_size", shape.hidden},
                                      {"intermediate_size", 4 * shape.hidden},
                                      {"layer_norm_eps", 1e-5},
                                      {"max_position_embeddings", 2048},
                                      {"num_attention_heads", shape.heads},
                                      {"num_hidden_layers", shape.layers},
                                      {"rotary_emb_base", 10000},
                                      {"rotary_pct", 0.25},
                                      {"tie_word_embeddings", false},
                                      {"torch_dtype", word},
                                      {"use_parallel_residual", true},
                                      {"vocab_size", shape.vocab}};
  return config.dump(2) + "\n";
}

template <typename Stored>
absl::Status WriteAs(std::span<const float> values, absl::string_view name, int64_t first,
                     SafetensorsWriter& writer) {
  const std::vector<Stored> stored(values.begin(), values.end());
  return writer.Write(name, first * static_cast<int64_t>(sizeof(Stored)),
                      std::as_bytes(std::span(stored)));
}

absl::Status WritePiece(const TensorDeclaration& tensor, std::span<const float> values,
                        int64_t first, SafetensorsWriter& writer) {
  switch (tensor.dtype) {
    case DType::kF16:
      return WriteAs<c10::Half>(values, tensor.name, first, writer);
    case DType::kBF16:
      return WriteAs<c10::BFloat16>(values, tensor.name, first, writer);
    default:
      return WriteAs<float>(values, tensor.name, first, writer);
  }
}

absl::Status WriteTensor(const InitTensor& tensor, const InitShape& shape, uint64_t seed,
                         SafetensorsWriter& writer) {
  constexpr int64_t kPiece = 1 << 20;
  const double D = static_cast<double>(shape.hidden), L = static_cast<double>(shape.layers);
  const double deviation =
      tensor.init == Init::kSmall ? std::sqrt(2 / (5 * D)) : 2 / (L * std::sqrt(D));
  const NormalStream stream(seed, tensor.declaration.name);
  const int64_t count = ElementCount(tensor.declaration.shape).value_or(0);
  std::vector<float> values;
  for (int64_t first = 0; first < count; first += kPiece) {
    values.assign(static_cast<size_t>(std::min(kPiece, count - first)),
                  tensor.init == Init::kOne ? 1.0f : 0.0f);
    if (tensor.init == Init::kSmall || tensor.init == Init::kWang) {
      stream.Fill(first, static_cast<float>(deviation), values);
    }
    absl::Status status = WritePiece(tensor.declaration, values, first, writer);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<DType> InitDType(const std::string& word) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    if (word == DTypeName(dtype)) return dtype;
  }
  return UsageError(absl::StrCat("--dtype is '", word, "': it takes F32, F16 or BF16"));
}

absl::StatusOr<InitShape> ShapeFromFlags(const Flags& flags) {
  absl::StatusOr<InitShape> shape = PublishedShape(flags.Get("--like"));
  if (!shape.ok()) return shape.status();
  const std::pair<const char*, int64_t*> dimensions[] = {{"--layers", &shape->layers},
                                                         {"--hidden", &shape->hidden},
                                                         {"--heads", &shape->heads},
                                                         {"--vocab", &shape->vocab}};
  for (const auto& [name, value] : dimensions) {
    absl::StatusOr<int64_t> given = flags.Number(name, *value, 1, 1 << 24);
    if (!given.ok()) return given.status();
    *value = *given;
  }
  return shape;
}

}  // namespace

const char kInitHelp[] =
    R"(usage: ondelette-engine init --like pythia-SIZE --output DIR [options]

Writes a randomly initialised GPT-NeoX checkpoint (config.json, model.safetensors) by the published
initialisation: what training starts from.

  --like pythia-SIZE   14m, 70m, 160m, 410m, 1b, 1.4b, 2.8b, 6.9b or 12b
  --output DIR         folder to write; made where it is missing, refused where it holds a checkpoint
  --layers N           instead of the published number; likewise:
  --hidden D
  --heads H
  --vocab V
  --seed S             0 by default
  --dtype F32|F16|BF16 F16 by default, as Pythia is published

example: a reduced pythia-6.9b with the same 4 D / L^2 = 16
  ondelette-engine init --like pythia-6.9b --layers 20 --hidden 1600 --heads 20 --vocab 4096 \
    --output /tmp/step0
)";

absl::StatusOr<InitShape> PublishedShape(absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const Published& published : kPublished) {
    if (absl::StripPrefix(published.name, "pythia-") == absl::StripPrefix(name, "pythia-")) {
      return published.shape;
    }
    names.push_back(published.name);
  }
  return UsageError(absl::StrCat("--like is '", name, "': no such model"),
                    absl::StrCat("it takes ", absl::StrJoin(names, ", ")));
}

absl::Status WriteInitialCheckpoint(const InitShape& shape, uint64_t seed, DType dtype,
                                    const std::string& folder) {
  const std::string config_path = folder + "/config.json", path = folder + "/model.safetensors";
  const std::string config = ConfigText(shape, dtype);
  // The reader's own check of the shape: what it refuses is not written.
  absl::StatusOr<ModelConfig> readable = ParseModelConfig(config, config_path);
  if (!readable.ok()) return readable.status();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (std::filesystem::exists(config_path, error) || std::filesystem::exists(path, error)) {
    return MakeError(absl::StatusCode::kAlreadyExists, "CHECKPOINT_EXISTS",
                     absl::StrCat(folder, " holds a checkpoint already"),
                     "remove it or choose another folder");
  }
  const std::vector<InitTensor> tensors = Tensors(shape, dtype);
  std::vector<TensorDeclaration> declarations;
  declarations.reserve(tensors.size());
  for (const InitTensor& tensor : tensors) declarations.push_back(tensor.declaration);
  auto writer = SafetensorsWriter::Create(path, declarations, {{"format", "pt"}});
  if (!writer.ok()) return writer.status();
  for (const InitTensor& tensor : tensors) {
    absl::Status status = WriteTensor(tensor, shape, seed, **writer);
    if (!status.ok()) return status;
  }
  if (absl::Status status = (*writer)->Finish(); !status.ok()) return status;
  return WriteWholeFile(config_path, config);
}

absl::Status InitCommand(std::span<const std::string> arguments) {
  static constexpr FlagDefinition kFlags[] = {
      {"--like", true}, {"--output", true}, {"--layers"}, {"--hidden"},
      {"--heads"},      {"--vocab"},        {"--seed"},   {"--dtype"},
  };
  absl::StatusOr<Flags> flags = Flags::Parse(arguments, kFlags);
  if (!flags.ok()) return flags.status();
  absl::StatusOr<InitShape> shape = ShapeFromFlags(*flags);
  if (!shape.ok()) return shape.status();
  absl::StatusOr<DType> dtype = InitDType(flags->Get("--dtype", "F16"));
  if (!dtype.ok()) return dtype.status();
  absl::StatusOr<int64_t> seed = flags->Number("--seed", 0, 0, INT64_MAX);
  if (!seed.ok()) return seed.status();
  return WriteInitialCheckpoint(*shape, static_cast<uint64_t>(*seed), *dtype,
                                flags->Get("--output"));
}

}  // namespace ondelette::engine
