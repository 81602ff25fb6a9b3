#include "common/tokenizer/character_classes.h"

#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include <array>
#include <utility>

namespace ondelette::tokenizer {
namespace {

// Never freed. `pattern` is one of the constants below, so it compiles.
const icu::UnicodeSet* MakeSet(const char16_t* pattern) {
  UErrorCode code = U_ZERO_ERROR;
  auto* set = new icu::UnicodeSet(pattern, code);
  set->freeze();
  return set;
}

UChar32 Code(char32_t c) { return static_cast<UChar32>(c); }

}  // namespace

bool IsSpace(char32_t c) { return u_hasBinaryProperty(Code(c), UCHAR_WHITE_SPACE) != 0; }

bool IsWord(char32_t c) {
  constexpr uint32_t kMarksDigitsConnectors = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_hasBinaryProperty(Code(c), UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(Code(c), UCHAR_JOIN_CONTROL) != 0 ||
         (U_GET_GC_MASK(Code(c)) & kMarksDigitsConnectors) != 0;
}

bool IsNumber(char32_t c) { return (U_GET_GC_MASK(Code(c)) & U_GC_N_MASK) != 0; }

// The single characters in these sets changed their category since the crate's Unicode version.
bool IsPunctuation(char32_t c) {
  static const icu::UnicodeSet* const set = MakeSet(
      uR"([[[:P:]&[:age=8.0:]][\u0021-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007E][\u166D\U000111C9]])");
  return set->contains(Code(c)) != 0;
}

bool IsBertControl(char32_t c) {
  static const icu::UnicodeSet* const set =
      MakeSet(uR"([[[[:Cc:][:Cf:][:Co:]]&[:age=8.0:]][\uFFFD]-[\u0009\u000A\u000D]])");
  return set->contains(Code(c)) != 0;
}

bool IsChinese(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kBlocks = {{{0x4E00, 0x9FFF},
                                                                     {0x3400, 0x4DBF},
                                                                     {0x20000, 0x2A6DF},
                                                                     {0x2A700, 0x2B73F},
                                                                     {0x2B740, 0x2B81F},
                                                                     {0x2B920, 0x2CEAF},
                                                                     {0xF900, 0xFAFF},
                                                                     {0x2F800, 0x2FA1F}}};
  for (const auto& [first, last] : kBlocks) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

bool IsNonspacingMark(char32_t c) {
  static const icu::UnicodeSet* const set =
      MakeSet(uR"([[[:Mn:]&[:age=8.0:]][\u1734]-[\u1885\u1886\uA9BD\U000111C9]])");
  return set->contains(Code(c)) != 0;
}

bool IsCombiningMark(char32_t c) {
  static const icu::UnicodeSet* const set =
      MakeSet(uR"([[[:M:]&[:age=9.0:]][\u1CF2\u1CF3]-[\U000111C9]])");
  return set->contains(Code(c)) != 0;
}

}  // namespace ondelette::tokenizer
