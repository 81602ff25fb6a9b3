#include "common/tokenizer/normalizer.h"

#include <unicode/uniset.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

// ICU's normalizer of that name, held to the characters of Unicode 9.0; nullptr for another name.
// Made once in a process and never freed.
const icu::Normalizer2* FindNormalizer(const std::string& name) {
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
    if (named.name == name) return named.normalizer.get();
  }
  return nullptr;
}

}  // namespace

Normalizer Normalizer::Read(const Field& field) {
  Normalizer normalizer;
  normalizer.Append(field);
  return normalizer;
}

void Normalizer::Append(const Field& field) {
  if (field.IsNull()) return;
  const std::string& type = field["type"].String();
  if (type == "Sequence") {
    for (const Field& step : field["normalizers"].Elements()) Append(step);
    return;
  }
  const icu::Normalizer2* step = FindNormalizer(type);
  if (step == nullptr) {
    field.Unsupported(absl::StrCat("the normalizer \"", type, "\""));
    return;
  }
  steps_.push_back(step);
}

absl::StatusOr<std::string> Normalizer::Apply(absl::string_view text) const {
  if (steps_.empty()) return absl::StrCat(text);
  icu::UnicodeString current = ToUtf16(text);
  for (const icu::Normalizer2* step : steps_) {
    UErrorCode code = U_ZERO_ERROR;
    current = step->normalize(current, code);
    if (U_FAILURE(code)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot normalize a text of ", text.size(), " bytes: ", u_errorName(code)));
    }
  }
  return ToUtf8(current);
}

}  // namespace ondelette::tokenizer
