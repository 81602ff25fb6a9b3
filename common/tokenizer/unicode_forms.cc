#include "common/tokenizer/unicode_forms.h"

#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/character_classes.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

bool IsNmtDropped(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         c == 0x8F || c == 0x9F;
}

bool IsNmtSpace(char32_t c) {
  return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == 0x1680 ||
         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
         c == 0xFFFD;
}

void AppendLower(char32_t c, std::string* result) {
  constexpr char32_t kCapitalDottedI = 0x130;
  AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))), result);
  // The one character whose lower case is two.
  if (c == kCapitalDottedI) AppendUtf8(0x307, result);
}

}  // namespace

const icu::Normalizer2* FindForm(absl::string_view name) {
  struct Named {
    const char* name;
    std::unique_ptr<icu::FilteredNormalizer2> normalizer;
  };
  static const auto* const known = [] {
    UErrorCode code = U_ZERO_ERROR;
    auto* age = new icu::UnicodeSet(u"[:age=9.0:]", code);
    age->freeze();
    auto* all = new std::vector<Named>();
    auto add = [&](const char* form, const icu::Normalizer2* full) {
      if (full == nullptr || U_FAILURE(code)) return;
      all->push_back({form, std::make_unique<icu::FilteredNormalizer2>(*full, *age)});
    };
    add("NFC", icu::Normalizer2::getNFCInstance(code));
    add("NFD", icu::Normalizer2::getNFDInstance(code));
    add("NFKC", icu::Normalizer2::getNFKCInstance(code));
    add("NFKD", icu::Normalizer2::getNFKDInstance(code));
    return all;
  }();
  for (const Named& named : *known) {
    if (name == named.name) return named.normalizer.get();
  }
  return nullptr;
}

absl::StatusOr<std::string> ToForm(const icu::Normalizer2& form, absl::string_view text) {
  UErrorCode code = U_ZERO_ERROR;
  icu::UnicodeString result = form.normalize(ToUtf16(text), code);
  if (U_SUCCESS(code)) return ToUtf8(result);
  return absl::ResourceExhaustedError(absl::StrCat("Unicode's form fails: ", u_errorName(code)));
}

std::string ToLower(absl::string_view text) { return MapCharacters(text, AppendLower); }

std::string WithoutCombiningMarks(absl::string_view text) {
  return MapCharacters(text, [](char32_t c, std::string* result) {
    if (!IsCombiningMark(c)) AppendUtf8(c, result);
  });
}

std::string WithPlainSpaces(absl::string_view text) {
  return MapCharacters(text, [](char32_t c, std::string* result) {
    if (!IsNmtDropped(c)) AppendUtf8(IsNmtSpace(c) ? ' ' : c, result);
  });
}

absl::StatusOr<std::string> ToBert(const BertOptions& options, absl::string_view text) {
  std::string result = MapCharacters(text, [&](char32_t c, std::string* clean) {
    if (options.clean_text) {
      if (IsBertControl(c)) return;
      if (IsSpace(c)) c = ' ';
    }
    bool apart = options.handle_chinese_chars && IsChinese(c);
    if (apart) clean->push_back(' ');
    AppendUtf8(c, clean);
    if (apart) clean->push_back(' ');
  });
  if (options.strip_accents) {
    absl::StatusOr<std::string> decomposed = ToForm(*FindForm("NFD"), result);
    if (!decomposed.ok()) return decomposed;
    result = MapCharacters(*decomposed, [](char32_t c, std::string* bare) {
      if (!IsNonspacingMark(c)) AppendUtf8(c, bare);
    });
  }
  return options.lowercase ? ToLower(result) : result;
}

}  // namespace ondelette::tokenizer
