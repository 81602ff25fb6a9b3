// GPT-2's spelling of bytes: every byte is one printable character, so that any text becomes words
// without control characters and spaces.
#ifndef ONDELETTE_COMMON_TOKENIZER_BYTE_SPELLING_H_
#define ONDELETTE_COMMON_TOKENIZER_BYTE_SPELLING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the 68 other bytes for U+0100 on.
std::string SpellBytes(absl::string_view text);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_BYTE_SPELLING_H_
