// UTF-8 on top of ICU.
#ifndef ONDELETTE_COMMON_TOKENIZER_UNICODE_H_
#define ONDELETTE_COMMON_TOKENIZER_UNICODE_H_

#include <unicode/unistr.h>

#include <cstddef>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// The offset of the first byte that no UTF-8 character can start with or continue (surrogates,
// overlong forms and values above U+10FFFF included); text.size() where all is well.
size_t FirstInvalidUtf8(absl::string_view text);

// Everything below takes valid UTF-8.
icu::UnicodeString ToUtf16(absl::string_view text);
std::string ToUtf8(const icu::UnicodeString& text);
void AppendUtf8(char32_t character, std::string* text);

// The character that starts at `*offset`, which moves behind it.
char32_t NextCharacter(absl::string_view text, size_t* offset);
// Bytes of the character that starts at `offset`.
size_t CharacterBytes(absl::string_view text, size_t offset);
size_t CountCharacters(absl::string_view text);
// `text` with every character c replaced by what `append` makes of it.
std::string MapCharacters(absl::string_view text,
                          absl::FunctionRef<void(char32_t c, std::string* result)> append);

// Whether the last or the first character of `text` is a word's (IsWord); false where it is empty.
bool EndsWithWord(absl::string_view text);
bool StartsWithWord(absl::string_view text);
// Bytes of white space at either end.
size_t SpaceBytesAtEnd(absl::string_view text);
size_t SpaceBytesAtStart(absl::string_view text);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_UNICODE_H_
