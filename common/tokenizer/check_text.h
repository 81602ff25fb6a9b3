// What every tokenizer asks of a text.
#ifndef ONDELETTE_COMMON_TOKENIZER_CHECK_TEXT_H_
#define ONDELETTE_COMMON_TOKENIZER_CHECK_TEXT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// INVALID_ARGUMENT (TEXT_INVALID) where the text is longer than Tokenizer::kMaxTextBytes or is not
// UTF-8, with the byte's offset.
absl::Status CheckText(absl::string_view text);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_CHECK_TEXT_H_
