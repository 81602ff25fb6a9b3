// Tokens that are found in the text itself, before the model sees it: <|endoftext|>, and in
// GPT-NeoX the runs of spaces.
#ifndef ONDELETTE_COMMON_TOKENIZER_ADDED_TOKENS_H_
#define ONDELETTE_COMMON_TOKENIZER_ADDED_TOKENS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/tokenizer/byte_trie.h"

namespace ondelette::tokenizer {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character touches it
  bool left_strip = false;   // takes the white space before it along
  bool right_strip = false;  // takes the white space after it along
  bool normalized = false;   // looked for in the normalized text, not in the raw one
};

// A stretch of text, or a token found in it.
struct Stretch {
  static constexpr int32_t kText = -1;
  int32_t id = kText;
  absl::string_view text;  // points into the text that was split
};

// Finds tokens as Hugging Face does: the leftmost match, of those the longest, never overlapping;
// a match that single_word refuses is skipped whole. Immutable and thread-safe once built.
class AddedTokenFinder {
 public:
  // `token.content` is not empty; of two tokens with equal content the first counts.
  void Add(AddedToken token);

  // The text in order, empty stretches left out. `text` is valid UTF-8.
  std::vector<Stretch> Split(absl::string_view text) const;

 private:
  // The longest token that `text` starts with, or nullptr.
  const AddedToken* LongestAt(absl::string_view text) const;

  ByteTrie trie_;  // of indices in tokens_
  std::vector<AddedToken> tokens_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_ADDED_TOKENS_H_
