#include "common/tokenizer/unicode.h"

#include <unicode/utf8.h>

#include <cstdint>

#include "common/tokenizer/character_classes.h"

namespace ondelette::tokenizer {
namespace {

char32_t LastCharacter(absl::string_view text, size_t* start) {
  auto offset = static_cast<int32_t>(text.size());
  UChar32 c = 0;
  U8_PREV(text.data(), 0, offset, c);
  *start = static_cast<size_t>(offset);
  return static_cast<char32_t>(c);
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

void AppendUtf8(char32_t character, std::string* text) {
  char buffer[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(buffer, length, static_cast<UChar32>(character));
  text->append(buffer, static_cast<size_t>(length));
}

char32_t NextCharacter(absl::string_view text, size_t* offset) {
  auto length = static_cast<int32_t>(text.size());
  auto next = static_cast<int32_t>(*offset);
  UChar32 c = 0;
  U8_NEXT(text.data(), next, length, c);
  *offset = static_cast<size_t>(next);
  return static_cast<char32_t>(c);
}

size_t CharacterBytes(absl::string_view text, size_t offset) {
  size_t end = offset;
  NextCharacter(text, &end);
  return end - offset;
}

size_t CountCharacters(absl::string_view text) {
  size_t count = 0;
  for (char byte : text) count += (byte & 0xC0) == 0x80 ? 0 : 1;
  return count;
}

std::string MapCharacters(absl::string_view text,
                          absl::FunctionRef<void(char32_t c, std::string* result)> append) {
  std::string result;
  result.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) append(NextCharacter(text, &offset), &result);
  return result;
}

bool EndsWithWord(absl::string_view text) {
  size_t start = 0;
  return !text.empty() && IsWord(LastCharacter(text, &start));
}

bool StartsWithWord(absl::string_view text) {
  size_t end = 0;
  return !text.empty() && IsWord(NextCharacter(text, &end));
}

size_t SpaceBytesAtEnd(absl::string_view text) {
  absl::string_view rest = text;
  size_t start = 0;
  while (!rest.empty() && IsSpace(LastCharacter(rest, &start))) rest = rest.substr(0, start);
  return text.size() - rest.size();
}

size_t SpaceBytesAtStart(absl::string_view text) {
  size_t end = 0;
  for (size_t offset = 0; offset < text.size(); end = offset) {
    if (!IsSpace(NextCharacter(text, &offset))) break;
  }
  return end;
}

}  // namespace ondelette::tokenizer
