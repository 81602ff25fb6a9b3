// The pre_tokenizer of a tokenizer.json: cuts text into the words that are encoded one by one.
// Supported: null, ByteLevel, Split (Isolated or Removed), and a Sequence of them.
//
// Regular expressions run on ICU's engine, where Hugging Face uses Oniguruma. For the patterns of
// GPT-2, GPT-NeoX, Llama 3 and Qwen 2.5 both give the same words: leftmost alternatives, greedy
// loops, \p{..}, \s (White_Space), look-ahead and (?i:..) mean the same. Differences to keep in
// mind when another pattern is added: ICU's Unicode version decides what a letter is; && inside
// brackets is an intersection in both, but -- and [[a-z]] only in ICU; Oniguruma's \h is a
// hexadecimal digit and ICU's is horizontal space.
#ifndef ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_
#define ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_

#include <unicode/regex.h>

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

// Immutable and thread-safe once read.
class PreTokenizer {
 public:
  using WordSink = absl::FunctionRef<void(absl::string_view word)>;

  // Errors are recorded in the field.
  static PreTokenizer Read(const Field& field);

  // Gives the words of `text` (valid UTF-8, not empty) to `sink` in order. After a ByteLevel step
  // the words spell each byte as one character (GPT-2's bytes_to_unicode). RESOURCE_EXHAUSTED
  // (TEXT_TOO_HARD) where a pattern exceeds its limits of time or memory.
  absl::Status ForEachWord(absl::string_view text, WordSink sink) const;

 private:
  struct Step {
    bool add_space = false;                      // put a space before a word that has none
    std::unique_ptr<icu::RegexPattern> pattern;  // cut at its matches; null: do not cut
    bool keep_matches = true;
    bool keep_gaps = true;  // what lies between matches
    bool spell_bytes = false;
  };

  void Append(const Field& field);
  void AppendByteLevel(const Field& field);
  void AppendSplit(const Field& field);
  // Runs steps_[index...] on one word.
  absl::Status Run(size_t index, absl::string_view word, WordSink sink) const;
  absl::Status Cut(const Step& step, absl::string_view word, WordSink sink) const;

  std::vector<Step> steps_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_
