#include "common/tokenizer/folder_settings.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {
namespace {

constexpr size_t kMaxSettingsBytes = size_t{16} << 20;

struct ModelType {
  const char* type;
  const char* tokenizer_class;
};
constexpr ModelType kModelTypes[] = {
    {"t5", "T5Tokenizer"},        {"mt5", "T5Tokenizer"},       {"gemma", "GemmaTokenizer"},
    {"gemma2", "GemmaTokenizer"}, {"gemma3", "GemmaTokenizer"}, {"gemma3_text", "GemmaTokenizer"},
    {"bert", "BertTokenizer"},    {"gpt2", "GPT2Tokenizer"},    {"gpt_neox", "GPTNeoXTokenizer"},
    {"qwen2", "Qwen2Tokenizer"},
};

// An empty object where the file is missing.
absl::StatusOr<nlohmann::json> ReadIfThere(const std::string& folder, const char* name) {
  absl::StatusOr<nlohmann::json> json =
      ReadJsonFile(absl::StrCat(folder, "/", name), kMaxSettingsBytes);
  if (absl::IsNotFound(json.status())) return nlohmann::json::object();
  return json;
}

// The string `name` of an object; empty where it has none.
std::string StringOf(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// added_tokens.json is {"token": id, ..}; added_tokens_decoder is {"id": {"content": "token"}, ..}.
nlohmann::json Decoder(const nlohmann::json& added, const nlohmann::json& config) {
  nlohmann::json decoder = nlohmann::json::object();
  for (const auto& [content, id] : added.items()) {
    bool special = false;
    for (const auto& [name, value] : config.items()) {
      special = special || value == content ||
                (value.is_object() && StringOf(value, "content") == content);
    }
    decoder[id.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)] = {
        {"content", content}, {"special", special}, {"normalized", !special}};
  }
  return decoder;
}

}  // namespace

absl::StatusOr<FolderSettings> FolderSettings::Read(const std::string& folder) {
  FolderSettings settings;
  absl::StatusOr<nlohmann::json> config = ReadIfThere(folder, "tokenizer_config.json");
  if (!config.ok()) return config.status();
  absl::StatusOr<nlohmann::json> model = ReadIfThere(folder, "config.json");
  if (!model.ok()) return model.status();
  settings.config = *std::move(config);
  settings.tokenizer_class =
      std::string(absl::StripSuffix(StringOf(settings.config, "tokenizer_class"), "Fast"));
  for (const ModelType& known : kModelTypes) {
    if (!settings.tokenizer_class.empty()) break;
    if (StringOf(*model, "model_type") == known.type) {
      settings.tokenizer_class = known.tokenizer_class;
    }
  }
  if (settings.config.contains("added_tokens_decoder")) return settings;
  absl::StatusOr<nlohmann::json> map = ReadIfThere(folder, "special_tokens_map.json");
  if (!map.ok()) return map.status();
  settings.config.update(*map);
  absl::StatusOr<nlohmann::json> added = ReadIfThere(folder, "added_tokens.json");
  if (!added.ok()) return added.status();
  settings.config["added_tokens_decoder"] = Decoder(*added, settings.config);
  return settings;
}

}  // namespace ondelette::tokenizer
