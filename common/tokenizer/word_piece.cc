#include "common/tokenizer/word_piece.h"

#include "absl/strings/str_cat.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {

WordPiece::WordPiece(const Field& field) {
  Field vocabulary = field["vocab"];
  ReadVocabulary(vocabulary);
  for (const auto& [token, id] : vocabulary_) {
    if (token.size() > kMaxKeyBytes) {
      vocabulary.Invalid(absl::StrCat("has a token of more than ", kMaxKeyBytes, " bytes"));
      return;
    }
    trie_[token] = id;
  }
  inside_ = trie_.Walk(field["continuing_subword_prefix"].String());
  unknown_ = Named(field["unk_token"]);
  Field longest = field["max_input_chars_per_word"];
  double characters = longest.Number();
  if (!(characters >= 0 && characters <= 1e9)) longest.Invalid("is not a number of characters");
  if (field.Ok()) max_characters_ = static_cast<size_t>(characters);
}

void WordPiece::Encode(absl::string_view word, std::vector<int32_t>* ids) const {
  const size_t before = ids->size();
  bool known = CountCharacters(word) <= max_characters_;
  for (size_t start = 0; known && start < word.size();) {
    int32_t longest = ByteTrie::kNone;
    size_t end = start;
    int32_t node = start == 0 ? ByteTrie::kRoot : inside_;
    for (size_t at = start; node != ByteTrie::kNone && at < word.size(); ++at) {
      node = trie_.Next(node, word[at]);
      if (node == ByteTrie::kNone || trie_.Value(node) == ByteTrie::kNone) continue;
      longest = trie_.Value(node);
      end = at + 1;
    }
    known = longest != ByteTrie::kNone;
    ids->push_back(longest);
    start = end;
  }
  if (known) return;
  ids->resize(before);
  ids->push_back(unknown_);
}

}  // namespace ondelette::tokenizer
