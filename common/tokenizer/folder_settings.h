// What a model's folder says about its tokenizer beside the vocabulary's own files.
#ifndef ONDELETTE_COMMON_TOKENIZER_FOLDER_SETTINGS_H_
#define ONDELETTE_COMMON_TOKENIZER_FOLDER_SETTINGS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace ondelette::tokenizer {

struct FolderSettings {
  // transformers' name of the tokenizer without "Fast" ("T5Tokenizer"): tokenizer_class of
  // tokenizer_config.json, else that of config.json's model_type; empty where neither says.
  std::string tokenizer_class;
  // tokenizer_config.json. Where it has no added_tokens_decoder, the tokens of
  // special_tokens_map.json replace its own and added_tokens.json becomes one, as in transformers.
  // Empty where there are none of them.
  nlohmann::json config;

  // Files that are missing are no error. Others are ReadJsonFile's, naming the file.
  static absl::StatusOr<FolderSettings> Read(const std::string& folder);
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_FOLDER_SETTINGS_H_
