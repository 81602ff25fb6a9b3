// Byte-pair encoding: a word's characters, merged pair by pair in the order of the training.
#ifndef ONDELETTE_COMMON_TOKENIZER_BPE_H_
#define ONDELETTE_COMMON_TOKENIZER_BPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/model.h"

namespace ondelette::tokenizer {

// The "model" of a tokenizer.json of type BPE. Immutable and thread-safe once read.
class Bpe : public Model {
 public:
  // Errors are recorded in the field. Not supported: dropout (ids would be random), and a non-empty
  // continuing_subword_prefix or end_of_word_suffix. One field is ours (conversion.h): "ondelette_ranks", of
  // each merge the place in the order; merges of equal rank go from left to right.
  explicit Bpe(const Field& field);

  // A character that the vocabulary lacks gives, as in Hugging Face: with byte_fallback the tokens
  // <0x..> of its bytes where the vocabulary has them all, else unk_token, or nothing where the file
  // has none. O(n log n) time and about 50 n bytes for n characters.
  void Encode(absl::string_view word, std::vector<int32_t>* ids) const override;

 private:
  struct Merge {
    int32_t rank;    // smaller goes first
    int32_t result;  // the merged token's id
  };
  struct Symbol {
    int32_t id;
    int32_t previous;  // index of the neighbour, or -1
    int32_t next;
    bool alive;
  };
  struct Candidate {
    int32_t rank;
    int32_t left;  // index of the pair's left symbol
    int32_t result;
  };

  void ReadMerges(const Field& field, const Field& ranks_field);
  void ReadOptions(const Field& field);
  const Merge* FindMerge(int32_t left, int32_t right) const;
  bool HasByteTokens(absl::string_view character) const;
  std::vector<Symbol> Symbols(absl::string_view word) const;
  void MergeAll(std::vector<Symbol>* symbols) const;

  absl::flat_hash_map<uint64_t, Merge> merges_;  // by (left id << 32 | right id)
  int32_t unknown_ = -1;
  std::vector<int32_t> byte_tokens_;  // by byte, -1 where missing; empty without byte_fallback
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_BPE_H_
