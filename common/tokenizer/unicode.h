// UTF-8 and character classes, on top of ICU.
#ifndef ONDELETTE_COMMON_TOKENIZER_UNICODE_H_
#define ONDELETTE_COMMON_TOKENIZER_UNICODE_H_

#include <unicode/unistr.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// The offset of the first byte that no UTF-8 character can start with or continue (surrogates,
// overlong forms and values above U+10FFFF included); text.size() where all is well.
size_t FirstInvalidUtf8(absl::string_view text);

// Conversions of valid UTF-8.
icu::UnicodeString ToUtf16(absl::string_view text);
std::string ToUtf8(const icu::UnicodeString& text);

// Bytes of the character that starts at `offset` of valid UTF-8.
size_t CharacterBytes(absl::string_view text, size_t offset);

// \w and \s of Rust's regex crate, which decides where an added token may stand. Of the last or the
// first character of `text`; false where it is empty.
bool EndsWithWord(absl::string_view text);
bool StartsWithWord(absl::string_view text);
// Bytes of white space at either end.
size_t SpaceBytesAtEnd(absl::string_view text);
size_t SpaceBytesAtStart(absl::string_view text);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_UNICODE_H_
