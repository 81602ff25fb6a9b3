#include "common/tokenizer/pattern.h"

#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

constexpr size_t kMaxPatternBytes = 4096;

// ICU counts time in units of 10,000 steps of its matcher, about a millisecond. The patterns in use
// need a few steps a character; this allows a thousand times as much.
constexpr int32_t kTimeBase = 1000;
constexpr int32_t kTimePerCharacterShift = 3;  // one more unit for every 8 characters
constexpr int32_t kStackBytes = 32 << 20;      // backtracking memory, on the heap

absl::Status TooHard(absl::string_view text, UErrorCode code) {
  return MakeError(absl::StatusCode::kResourceExhausted, "TEXT_TOO_HARD",
                   absl::StrCat("the tokenizer's regular expression needs too much time or memory "
                                "on a text of ",
                                text.size(), " bytes: ", u_errorName(code)),
                   "cut the text, or submit the corpus as token ids");
}

// Turns ascending UTF-16 indices into byte offsets, in one pass over the text.
class ByteOffsets {
 public:
  explicit ByteOffsets(const icu::UnicodeString& text) : text_(text) {}

  size_t At(int32_t index) {
    while (index_ < index) {
      UChar32 c = text_.char32At(index_);
      index_ += U16_LENGTH(c);
      bytes_ += U8_LENGTH(c);
    }
    return bytes_;
  }

 private:
  const icu::UnicodeString& text_;
  int32_t index_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Pattern Pattern::Read(const Field& field) {
  Field regex = field["Regex"];
  if (!regex.IsNull()) return Regex(regex.String(), regex);
  Field literal = field["String"];
  if (literal.String().empty()) literal.Unsupported("an empty string");
  return Literal(literal.String());
}

Pattern Pattern::Literal(std::string text) {
  Pattern pattern;
  pattern.literal_ = std::move(text);
  return pattern;
}

Pattern Pattern::Regex(absl::string_view expression, const Field& field) {
  Pattern pattern;
  if (expression.size() > kMaxPatternBytes) {
    field.Invalid(absl::StrCat("is a pattern of more than ", kMaxPatternBytes, " bytes"));
    return pattern;
  }
  UErrorCode code = U_ZERO_ERROR;
  UParseError at{};
  pattern.expression_.reset(icu::RegexPattern::compile(ToUtf16(expression), 0, at, code));
  if (U_FAILURE(code)) {
    pattern.expression_.reset();
    field.Invalid(absl::StrCat("is not a regular expression: ", u_errorName(code), " at character ",
                               at.offset));
  }
  return pattern;
}

absl::StatusOr<std::vector<Span>> Pattern::FindAll(absl::string_view text) const {
  if (expression_ != nullptr) return FindExpression(text);
  std::vector<Span> matches;
  if (literal_.empty()) return matches;
  for (size_t at = text.find(literal_); at != absl::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    matches.push_back({at, at + literal_.size(), true});
  }
  return matches;
}

absl::StatusOr<std::vector<Span>> Pattern::FindExpression(absl::string_view text) const {
  icu::UnicodeString wide = ToUtf16(text);
  UErrorCode code = U_ZERO_ERROR;
  std::unique_ptr<icu::RegexMatcher> matcher(expression_->matcher(wide, code));
  if (U_FAILURE(code)) return TooHard(text, code);
  matcher->setTimeLimit(kTimeBase + (wide.length() >> kTimePerCharacterShift), code);
  matcher->setStackLimit(kStackBytes, code);
  std::vector<Span> matches;
  ByteOffsets offsets(wide);
  while (matcher->find(code) != 0 && U_SUCCESS(code)) {
    size_t start = offsets.At(matcher->start(code));
    matches.push_back({start, offsets.At(matcher->end(code)), true});
  }
  if (U_FAILURE(code)) return TooHard(text, code);
  return matches;
}

}  // namespace ondelette::tokenizer
