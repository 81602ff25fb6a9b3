// WordPiece: a word is cut from the left, each time at the longest piece that the vocabulary has.
#ifndef ONDELETTE_COMMON_TOKENIZER_WORD_PIECE_H_
#define ONDELETTE_COMMON_TOKENIZER_WORD_PIECE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/tokenizer/byte_trie.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/model.h"

namespace ondelette::tokenizer {

// The "model" of a tokenizer.json of type WordPiece. Immutable and thread-safe once read.
class WordPiece : public Model {
 public:
  // Errors are recorded in the field.
  explicit WordPiece(const Field& field);

  // A word that is longer than max_input_chars_per_word, or that no pieces spell, is one unk_token.
  void Encode(absl::string_view word, std::vector<int32_t>* ids) const override;

 private:
  ByteTrie trie_;       // of ids
  int32_t inside_ = 0;  // the trie's node behind continuing_subword_prefix, where pieces go on
  int32_t unknown_ = -1;
  size_t max_characters_ = 0;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_WORD_PIECE_H_
