#include "common/tokenizer/added_token_list.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace ondelette::tokenizer {
namespace {

nlohmann::json SpecialToken(const std::string& content) {
  return {{"content", content}, {"special", true}, {"normalized", false}};
}

// A token as a file writes it, which is an object. AddedToken's default: what is special is looked
// for in the text as it comes.
nlohmann::json WrittenToken(const Field& entry) {
  bool special = entry["special"].Bool(false);
  nlohmann::json token = entry.Value();
  token["normalized"] = entry["normalized"].Bool(!special);
  token.erase("id");
  return token;
}

}  // namespace

AddedTokenList::AddedTokenList(const Field& config) : config_(config) {
  Field decoder = config["added_tokens_decoder"];
  if (decoder.IsNull()) return;
  if (!decoder.Value().is_object()) {
    decoder.Invalid("is not an object");
    return;
  }
  std::map<int32_t, nlohmann::json> by_id;
  for (const auto& [key, unused] : decoder.Value().items()) {
    Field entry = decoder[key];
    int32_t id = 0;
    if (!absl::SimpleAtoi(key, &id) || id < 0 || id >= kMaxTokenId) entry.Invalid("is no token id");
    entry["content"].String();
    if (!entry.Ok()) return;
    by_id[id] = WrittenToken(entry);
    by_id[id]["id"] = id;
  }
  for (auto& [id, token] : by_id) Put(std::move(token));
}

void AddedTokenList::Put(nlohmann::json token) {
  auto [place, is_new] = places_.try_emplace(token["content"].get<std::string>(), tokens_.size());
  if (is_new) {
    tokens_.push_back(std::move(token));
  } else {
    tokens_[place->second].update(token);
  }
}

std::string AddedTokenList::AddNamed(const std::string& name, const char* fallback) {
  Field named = config_[name];
  // null is written where a token is switched off.
  bool is_off = config_.Value().is_object() && config_.Value().contains(name) && named.IsNull();
  if (is_off || (named.IsNull() && fallback == nullptr)) return "";
  std::string content = fallback == nullptr ? "" : fallback;
  nlohmann::json token;
  if (named.Value().is_object()) {
    content = named["content"].String();
    token = WrittenToken(named);
  } else if (!named.IsNull()) {
    content = named.String();
  }
  if (content.empty() || !named.Ok()) return "";
  auto known = places_.find(content);
  if (known != places_.end() && tokens_[known->second].contains("id")) {
    token = tokens_[known->second];
  } else if (token.is_null()) {
    token = SpecialToken(content);
  }
  token["special"] = true;
  Put(std::move(token));
  return content;
}

void AddedTokenList::Add(const std::string& content, bool special) {
  if (places_.contains(content)) return;
  nlohmann::json token = SpecialToken(content);
  token["special"] = special;
  Put(std::move(token));
}

nlohmann::json AddedTokenList::ToJson(absl::FunctionRef<int32_t(const std::string&)> find,
                                      int32_t next_id) const {
  nlohmann::json list = nlohmann::json::array();
  for (nlohmann::json token : tokens_) {
    if (!token.contains("id")) {
      int32_t known = find(token["content"].get<std::string>());
      token["id"] = known >= 0 ? known : next_id;
    }
    next_id = std::max(next_id, token["id"].get<int32_t>() + 1);
    list.push_back(std::move(token));
  }
  return list;
}

}  // namespace ondelette::tokenizer
