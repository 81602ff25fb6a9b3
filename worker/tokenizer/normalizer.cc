#include "worker/tokenizer/normalizer.h"

#include "absl/strings/str_cat.h"
#include "worker/tokenizer/unicode.h"

namespace ondelette::tokenizer {

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
  const icu::Normalizer2* step = nullptr;
  UErrorCode code = U_ZERO_ERROR;
  if (type == "NFC") step = icu::Normalizer2::getNFCInstance(code);
  if (type == "NFD") step = icu::Normalizer2::getNFDInstance(code);
  if (type == "NFKC") step = icu::Normalizer2::getNFKCInstance(code);
  if (type == "NFKD") step = icu::Normalizer2::getNFKDInstance(code);
  if (step == nullptr || U_FAILURE(code)) {
    field.Unsupported(absl::StrCat("the normalizer \"", type, "\""));
    return;
  }
  steps_.push_back(step);
}

absl::StatusOr<std::string> Normalizer::Apply(absl::string_view text) const {
  if (steps_.empty()) return std::string(text);
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
