// SentencePiece's precompiled_charsmap: the rewriting of characters that a .model was trained with
// (nmt_nfkc and the like), as a trie and the strings that it points into.
#ifndef ONDELETTE_COMMON_TOKENIZER_CHARACTER_MAP_H_
#define ONDELETTE_COMMON_TOKENIZER_CHARACTER_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// Immutable and thread-safe once read.
class CharacterMap {
 public:
  // The layout: the trie's size in bytes (uint32, little endian), the trie (Darts' double array of
  // uint32), and the replacements, each ended by a zero byte. INVALID_ARGUMENT saying what is wrong;
  // no search in a trie that is accepted leaves it.
  static absl::StatusOr<CharacterMap> Parse(absl::string_view bytes);

  // Rewrites `text` (valid UTF-8; so is the result) as Hugging Face does, which is not as
  // SentencePiece does: each grapheme cluster of less than 6 bytes is replaced by what its shortest
  // mapped beginning maps to, otherwise each of its characters is. RESOURCE_EXHAUSTED where the
  // result would be longer than `max_bytes`.
  absl::StatusOr<std::string> Apply(absl::string_view text, size_t max_bytes) const;

 private:
  // Whether every place that some text leads to lies within the trie and the replacements.
  bool IsSound() const;
  // What the shortest mapped beginning of `text` maps to; false where none is mapped.
  bool Find(absl::string_view text, absl::string_view* replacement) const;
  void AppendCluster(absl::string_view cluster, std::string* result) const;

  std::vector<uint32_t> trie_;
  std::string replacements_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_CHARACTER_MAP_H_
