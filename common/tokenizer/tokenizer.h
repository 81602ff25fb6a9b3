// From text to the token ids that a model was trained on, as the files beside its weights say.
//
// Which file is used is the first of these that the folder has:
//   1. tokenizer.json: the ids are those of Hugging Face's `tokenizers`
//      (Tokenizer.from_file(...).encode(text).ids).
//   2. tokenizer.model or spiece.model, a SentencePiece model: the ids are those of transformers'
//      AutoTokenizer where tokenizer_config.json (or config.json's model_type) names T5Tokenizer,
//      LlamaTokenizer or GemmaTokenizer; else those of SentencePiece's own rules.
//   3. vocab.json and merges.txt: byte-level BPE, as GPT2Tokenizer (the default), GPTNeoXTokenizer
//      or Qwen2Tokenizer.
//   4. vocab.txt: WordPiece, as BertTokenizer.
// 2 to 4 also read tokenizer_config.json, special_tokens_map.json and added_tokens.json.
//
// Two differences from Hugging Face are by intent: "truncation" and "padding" are ignored (the spec's
// `tokens` cuts), and files that `tokenizers` would repair in silence (an added token whose id
// contradicts the vocabulary) are refused. docs/tokenizers.md says what was compared.
#ifndef ONDELETTE_COMMON_TOKENIZER_TOKENIZER_H_
#define ONDELETTE_COMMON_TOKENIZER_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// A loaded tokenizer. Immutable: any number of threads may call it at once.
class Tokenizer {
 public:
  // The longest text that Encode takes, in bytes. It bounds the memory of one call to about 1 GB.
  static constexpr size_t kMaxTextBytes = size_t{8} << 20;

  virtual ~Tokenizer() = default;

  // The ids of one text, special tokens of the file's template included. INVALID_ARGUMENT
  // (TEXT_INVALID) with the byte's offset where the text is not UTF-8, and where it is longer than
  // kMaxTextBytes; RESOURCE_EXHAUSTED (TEXT_TOO_HARD) where the file's own patterns and replacements
  // need unreasonable time or memory on it. Empty text gives the template's tokens alone, often
  // none.
  virtual absl::StatusOr<std::vector<int32_t>> Encode(absl::string_view utf8_text) const = 0;

  // One more than the largest id that Encode can give.
  virtual int32_t VocabularySize() const = 0;

  // What the files call the token with that id ("\u0120the", "\u2581the", "##ing"); empty where
  // they have none.
  virtual std::string Piece(int32_t id) const = 0;
};

// Reads the tokenizer of a model's folder. NOT_FOUND (TOKENIZER_MISSING) where there is none;
// INVALID_ARGUMENT (TOKENIZER_INVALID) naming file and field where it contradicts itself;
// UNIMPLEMENTED (TOKENIZER_UNSUPPORTED) naming file, field and kind where it needs what this build
// does not have.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& folder);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_TOKENIZER_TOKENIZER_H_
