// The added tokens of a folder without tokenizer.json, in that file's form.
#ifndef ONDELETTE_COMMON_TOKENIZER_ADDED_TOKEN_LIST_H_
#define ONDELETTE_COMMON_TOKENIZER_ADDED_TOKEN_LIST_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

// Collects tokens in the order in which transformers adds them, which numbers those that the
// vocabulary lacks: added_tokens_decoder's, the named ones (bos_token ..), and a class' own.
class AddedTokenList {
 public:
  // Takes added_tokens_decoder of `config`, a FolderSettings' config. Errors are recorded in it.
  explicit AddedTokenList(const Field& config);

  // Adds the token that `config` names (a string, or an object with content), else `fallback`;
  // null there, or nullptr, is no token. Returns its text, empty where there is none.
  std::string AddNamed(const std::string& name, const char* fallback);
  // Adds a token unless it is there.
  void Add(const std::string& content, bool special);

  // The list, with the ids written in added_tokens_decoder, else those that `find` knows (-1: none),
  // else from `next_id` on.
  nlohmann::json ToJson(absl::FunctionRef<int32_t(const std::string&)> find, int32_t next_id) const;

 private:
  void Put(nlohmann::json token);

  Field config_;
  std::vector<nlohmann::json> tokens_;
  absl::flat_hash_map<std::string, size_t> places_;  // in tokens_, by content
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_ADDED_TOKEN_LIST_H_
