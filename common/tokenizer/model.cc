#include "common/tokenizer/model.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/tokenizer/bpe.h"
#include "common/tokenizer/unigram.h"
#include "common/tokenizer/word_piece.h"

namespace ondelette::tokenizer {
namespace {

// Files of 2019 have no model.type; their fields tell them apart, as `tokenizers` tells them.
std::string TypeOf(const Field& field) {
  if (!field["type"].IsNull()) return field["type"].String();
  if (!field["merges"].IsNull()) return "BPE";
  if (field["vocab"].Value().is_array()) return "Unigram";
  return field["max_input_chars_per_word"].IsNull() ? "BPE" : "WordPiece";
}

}  // namespace

std::unique_ptr<Model> Model::Read(const Field& field) {
  std::string type = TypeOf(field);
  if (type == "WordPiece") return std::make_unique<WordPiece>(field);
  if (type == "Unigram") return std::make_unique<Unigram>(field);
  if (type != "BPE") field["type"].Unsupported(absl::StrCat("the model \"", type, "\""));
  return std::make_unique<Bpe>(field);
}

int32_t Model::Find(absl::string_view token) const {
  auto found = vocabulary_.find(token);
  return found == vocabulary_.end() ? -1 : found->second;
}

int32_t Model::Named(const Field& field) const {
  int32_t id = Find(field.String());
  if (id < 0) {
    field.Invalid(absl::StrCat("names \"", field.String(), "\", which the vocabulary lacks"));
  }
  return id;
}

void Model::ReadVocabulary(const Field& field) {
  if (!field.Value().is_object()) {
    field.Invalid(field.IsNull() ? "is missing" : "is not an object");
    return;
  }
  absl::flat_hash_set<int32_t> ids;
  for (const auto& [token, id] : field.Value().items()) {
    Field entry = field[token];
    int32_t number = entry.TokenId();
    if (entry.Ok() && !ids.insert(number).second) {
      entry.Invalid(absl::StrCat("has the id ", number, " of another token"));
    }
    if (!entry.Ok()) return;
    vocabulary_.emplace(token, number);
  }
}

std::vector<int32_t> Model::FindByteTokens() const {
  std::vector<int32_t> ids;
  ids.reserve(256);
  for (int byte = 0; byte < 256; ++byte) ids.push_back(Find(absl::StrFormat("<0x%02X>", byte)));
  return ids;
}

}  // namespace ondelette::tokenizer
