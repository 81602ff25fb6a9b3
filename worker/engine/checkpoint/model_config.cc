#include "worker/engine/checkpoint/model_config.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/bert_config.h"
#include "worker/engine/checkpoint/config_fields.h"
#include "worker/engine/checkpoint/gemma2_config.h"
#include "worker/engine/checkpoint/gpt2_config.h"
#include "worker/engine/checkpoint/gpt_neox_config.h"
#include "worker/engine/checkpoint/json_text.h"
#include "worker/engine/checkpoint/llama_config.h"
#include "worker/engine/checkpoint/t5_config.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = 1 << 20;

// One row an architecture: what config.json calls it, and who reads it.
struct Family {
  Architecture architecture;
  absl::string_view model_type;
  absl::string_view class_stem;  // classes are STEM and one of kClassEndings or For...
  absl::StatusOr<ModelConfig> (*parse)(const json&, absl::string_view);
};

constexpr Family kFamilies[] = {
    {Architecture::kGptNeox, "gpt_neox", "GPTNeoX", ParseGptNeoxConfig},
    {Architecture::kLlama, "llama", "Llama", ParseLlamaConfig},
    {Architecture::kMistral, "mistral", "Mistral", ParseMistralConfig},
    {Architecture::kQwen2, "qwen2", "Qwen2", ParseQwen2Config},
    {Architecture::kGemma2, "gemma2", "Gemma2", ParseGemma2Config},
    {Architecture::kGpt2, "gpt2", "GPT2", ParseGpt2Config},
    {Architecture::kBert, "bert", "Bert", ParseBertConfig},
    {Architecture::kT5, "t5", "T5", ParseT5Config},
};

constexpr absl::string_view kClassEndings[] = {"Model", "EncoderModel", "LMHeadModel",
                                               "DoubleHeadsModel", "WithLMHeadModel"};

// By model_type as transformers does, or by the class where that is absent.
bool Names(const Family& family, absl::string_view type, absl::string_view class_name) {
  if (!type.empty()) return type == family.model_type;
  if (!absl::ConsumePrefix(&class_name, family.class_stem)) return false;
  return absl::StartsWith(class_name, "For") ||
         std::ranges::find(kClassEndings, class_name) != std::end(kClassEndings);
}

// architectures[0], or nothing.
std::string ClassName(const json& object) {
  auto found = object.find("architectures");
  if (found == object.end() || !found->is_array() || found->empty() ||
      !found->front().is_string()) {
    return "";
  }
  return found->front().get<std::string>();
}

absl::Status Unsupported(absl::string_view file, absl::string_view what) {
  std::string known;
  for (const Family& family : kFamilies) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", family.model_type);
  }
  return MakeError(absl::StatusCode::kUnimplemented, "ARCHITECTURE_UNSUPPORTED",
                   absl::StrCat(file, ": ", what, " is not an architecture the engine knows"),
                   absl::StrCat("supported (field 'model_type'): ", known));
}

absl::StatusOr<ModelConfig> Parse(const absl::StatusOr<json>& object, absl::string_view file) {
  if (!object.ok()) return object.status();
  ConfigFields fields(*object, file);
  std::string type = fields.Text("model_type", "");
  if (!fields.status().ok()) return fields.status();
  std::string name = ClassName(*object);
  for (const Family& family : kFamilies) {
    if (Names(family, type, name)) return family.parse(*object, file);
  }
  if (type.empty() && name.empty()) {
    return Unsupported(file, "a config with neither 'model_type' nor 'architectures'");
  }
  return Unsupported(file, type.empty() ? absl::StrCat("architectures[0] ", Quoted(name))
                                        : absl::StrCat("model_type ", Quoted(type)));
}

}  // namespace

absl::string_view ArchitectureName(Architecture architecture) {
  for (const Family& family : kFamilies) {
    if (family.architecture == architecture) return family.model_type;
  }
  return "unknown";
}

absl::StatusOr<ModelConfig> ParseModelConfig(absl::string_view text, absl::string_view file) {
  return Parse(ParseJsonObject(text, file, "the file"), file);
}

absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& path) {
  return Parse(ReadJsonObject(path, kMaxConfigBytes), path);
}

}  // namespace ondelette
