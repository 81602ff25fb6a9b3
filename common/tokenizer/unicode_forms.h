// Unicode's normalization forms and the rewriting of single characters, as `tokenizers` does them.
#ifndef ONDELETTE_COMMON_TOKENIZER_UNICODE_FORMS_H_
#define ONDELETTE_COMMON_TOKENIZER_UNICODE_FORMS_H_

#include <unicode/normalizer2.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// ICU's normalizer called "NFC", "NFD", "NFKC" or "NFKD", held to the characters of Unicode 9.0;
// nullptr for another name. Never freed.
const icu::Normalizer2* FindForm(absl::string_view name);

// All of these take valid UTF-8 and give it.
absl::StatusOr<std::string> ToForm(const icu::Normalizer2& form, absl::string_view text);
// Character by character: a final sigma is like any other.
std::string ToLower(absl::string_view text);
std::string WithoutCombiningMarks(absl::string_view text);
// Nmt: drops controls, and writes what is nearly a space as one.
std::string WithPlainSpaces(absl::string_view text);

struct BertOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};
absl::StatusOr<std::string> ToBert(const BertOptions& options, absl::string_view text);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_UNICODE_FORMS_H_
