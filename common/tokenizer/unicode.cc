#include "common/tokenizer/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

namespace ondelette::tokenizer {
namespace {

bool IsWord(UChar32 c) {
  constexpr uint32_t kMarksDigitsConnectors = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0 ||
         (U_GET_GC_MASK(c) & kMarksDigitsConnectors) != 0;
}

bool IsSpace(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) != 0; }

UChar32 LastCharacter(absl::string_view text, size_t* start) {
  auto offset = static_cast<int32_t>(text.size());
  UChar32 c = 0;
  U8_PREV(text.data(), 0, offset, c);
  *start = static_cast<size_t>(offset);
  return c;
}

UChar32 FirstCharacter(absl::string_view text, size_t* end) {
  auto length = static_cast<int32_t>(text.size());
  int32_t offset = 0;
  UChar32 c = 0;
  U8_NEXT(text.data(), offset, length, c);
  *end = static_cast<size_t>(offset);
  return c;
}

}  // namespace

size_t FirstInvalidUtf8(absl::string_view text) {
  auto length = static_cast<int32_t>(text.size());
  for (int32_t offset = 0; offset < length;) {
    int32_t start = offset;
    UChar32 c = 0;
    U8_NEXT(text.data(), offset, length, c);
    if (c < 0) return static_cast<size_t>(start);
  }
  return text.size();
}

icu::UnicodeString ToUtf16(absl::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

size_t CharacterBytes(absl::string_view text, size_t offset) {
  size_t end = 0;
  FirstCharacter(text.substr(offset), &end);
  return end;
}

bool EndsWithWord(absl::string_view text) {
  size_t start = 0;
  return !text.empty() && IsWord(LastCharacter(text, &start));
}

bool StartsWithWord(absl::string_view text) {
  size_t end = 0;
  return !text.empty() && IsWord(FirstCharacter(text, &end));
}

size_t SpaceBytesAtEnd(absl::string_view text) {
  absl::string_view rest = text;
  size_t start = 0;
  while (!rest.empty() && IsSpace(LastCharacter(rest, &start))) rest = rest.substr(0, start);
  return text.size() - rest.size();
}

size_t SpaceBytesAtStart(absl::string_view text) {
  absl::string_view rest = text;
  size_t end = 0;
  while (!rest.empty() && IsSpace(FirstCharacter(rest, &end))) rest.remove_prefix(end);
  return text.size() - rest.size();
}

}  // namespace ondelette::tokenizer
