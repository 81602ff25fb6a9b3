// Unigram: a word is spelled by the pieces whose scores add up highest (T5's model).
//
// Scores are added in float64, as in Hugging Face, or in float32, as in SentencePiece itself: on a word
// of a thousand equal letters the two cut at different places.
#ifndef ONDELETTE_COMMON_TOKENIZER_UNIGRAM_H_
#define ONDELETTE_COMMON_TOKENIZER_UNIGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/tokenizer/byte_trie.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/model.h"

namespace ondelette::tokenizer {

// The "model" of a tokenizer.json of type Unigram. Immutable and thread-safe once read.
class Unigram : public Model {
 public:
  // Errors are recorded in the field. unk_id is required. Two fields are ours (conversion.h):
  // "ondelette_float32", and "ondelette_hidden", the ids of pieces that no text spells.
  explicit Unigram(const Field& field);

  // A character that is no piece costs 10 more than the worst piece; neighbouring ones are one
  // unknown token, or with byte_fallback the tokens <0x..> of its bytes where the vocabulary has
  // them. O(n) time and 24 n bytes for n bytes.
  void Encode(absl::string_view word, std::vector<int32_t>* ids) const override;

  size_t Size() const override { return scores_.size(); }

 private:
  // The best way to spell the word up to some place: its last piece, and where that starts.
  struct Best {
    double score = 0;
    int32_t start = -1;
    int32_t id = -1;
  };

  void ReadPiece(const Field& entry, bool is_hidden);
  std::vector<Best> Search(absl::string_view word) const;
  void Append(absl::string_view piece, std::vector<int32_t>* ids) const;

  ByteTrie trie_;  // of ids; of equal pieces the last counts
  std::vector<double> scores_;
  std::vector<int32_t> byte_tokens_;  // by byte; empty without byte_fallback
  double unknown_score_ = 0;
  bool adds_in_float32_ = false;
  int32_t unknown_ = 0;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_UNIGRAM_H_
