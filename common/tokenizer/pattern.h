// What a Split or a Replace of a tokenizer.json looks for: a string or a regular expression.
//
// Regular expressions run on ICU's engine, where Hugging Face uses Oniguruma. For the patterns of
// GPT-2, GPT-NeoX, Llama 3 and Qwen 2.5 both give the same words: leftmost alternatives, greedy
// loops, \p{..}, \s (White_Space), look-ahead and (?i:..) mean the same. Differences to keep in
// mind when another pattern is added: ICU's Unicode version decides what a letter is; Oniguruma's
// \w takes superscript digits and fractions and leaves U+200C and U+200D; && inside brackets is an
// intersection in both, but -- and [[a-z]] only in ICU; Oniguruma's \h is a hexadecimal digit and
// ICU's is horizontal space.
#ifndef ONDELETTE_COMMON_TOKENIZER_PATTERN_H_
#define ONDELETTE_COMMON_TOKENIZER_PATTERN_H_

#include <unicode/regex.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

// Bytes [start, end) of a text, and whether they match.
struct Span {
  size_t start = 0;
  size_t end = 0;
  bool is_match = false;
};

// Immutable and thread-safe once made.
class Pattern {
 public:
  // {"String": ..} or {"Regex": ..}. Errors are recorded in the field, and leave nothing to find.
  static Pattern Read(const Field& field);
  // `text` is not empty.
  static Pattern Literal(std::string text);
  // Errors are recorded in the field.
  static Pattern Regex(absl::string_view expression, const Field& field);

  // The matches in order, none of them overlapping, as spans with is_match; a regular expression
  // may give empty ones. `text` is valid UTF-8. RESOURCE_EXHAUSTED (TEXT_TOO_HARD) where a regular
  // expression exceeds its limits of time or memory.
  absl::StatusOr<std::vector<Span>> FindAll(absl::string_view text) const;

 private:
  absl::StatusOr<std::vector<Span>> FindExpression(absl::string_view text) const;

  std::string literal_;
  std::unique_ptr<icu::RegexPattern> expression_;  // null: literal_
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_PATTERN_H_
