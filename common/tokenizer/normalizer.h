// The normalizer of a tokenizer.json: null, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents,
// Nmt, BertNormalizer, Precompiled, Replace, Prepend, ByteLevel, or a Sequence of them.
//
// Hugging Face normalizes NFC to NFKD by the tables of Unicode 9.0, so characters that Unicode
// assigned later are copied as they are here too, and nothing composes or is reordered across them.
// (Measured over all characters with tokenizers 0.23: every one up to 9.0 is normalized, none from
// 10.0 on.)
#ifndef ONDELETTE_COMMON_TOKENIZER_NORMALIZER_H_
#define ONDELETTE_COMMON_TOKENIZER_NORMALIZER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

// Immutable and thread-safe once read.
class Normalizer {
 public:
  // Errors are recorded in the field.
  static Normalizer Read(const Field& field);

  // `text` is valid UTF-8, and so is the result. RESOURCE_EXHAUSTED (TEXT_TOO_HARD) where the
  // result would be unreasonably long, a pattern exceeds its limits or memory ran out.
  absl::StatusOr<std::string> Apply(absl::string_view text) const;

 private:
  using Step = std::function<absl::StatusOr<std::string>(absl::string_view text)>;

  void Append(const Field& field);
  Step ReadStep(const std::string& type, const Field& field);

  std::vector<Step> steps_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_NORMALIZER_H_
