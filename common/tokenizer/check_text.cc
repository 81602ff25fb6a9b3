#include "common/tokenizer/check_text.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/tokenizer.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {

absl::Status CheckText(absl::string_view text) {
  if (text.size() > Tokenizer::kMaxTextBytes) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                     absl::StrCat("a text of ", text.size(), " bytes is longer than the ",
                                  Tokenizer::kMaxTextBytes, " that are tokenized at once"),
                     "cut the text into sequences");
  }
  size_t invalid = FirstInvalidUtf8(text);
  if (invalid == text.size()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                   absl::StrCat("the text is not UTF-8 at byte ", invalid),
                   "store the corpus as UTF-8");
}

}  // namespace ondelette::tokenizer
