// The model of a tokenizer: what turns one word into ids.
#ifndef ONDELETTE_COMMON_TOKENIZER_MODEL_H_
#define ONDELETTE_COMMON_TOKENIZER_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

// Immutable and thread-safe once read.
class Model {
 public:
  virtual ~Model() = default;

  // The "model" of a tokenizer.json: a Bpe, a WordPiece or a Unigram. Errors are recorded in the
  // field; the result is then of no use.
  static std::unique_ptr<Model> Read(const Field& field);

  // Appends the ids of one word, which is valid UTF-8 and not empty.
  virtual void Encode(absl::string_view word, std::vector<int32_t>* ids) const = 0;

  // The entries of the vocabulary, from which `tokenizers` numbers what is added to it. (Not their
  // largest id: that may leave gaps.)
  virtual size_t Size() const { return vocabulary_.size(); }

  // The id of a token, or -1.
  int32_t Find(absl::string_view token) const;
  const absl::flat_hash_map<std::string, int32_t>& Vocabulary() const { return vocabulary_; }

 protected:
  // Reads {"token": id, ..}.
  void ReadVocabulary(const Field& field);
  // The id of the token that `field` names. Records an error where the vocabulary lacks it.
  int32_t Named(const Field& field) const;
  // The ids of the tokens <0x00> to <0xFF>, -1 where one is missing.
  std::vector<int32_t> FindByteTokens() const;

  absl::flat_hash_map<std::string, int32_t> vocabulary_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_MODEL_H_
