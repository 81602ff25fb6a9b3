#include "common/tokenizer/normalizer.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/byte_spelling.h"
#include "common/tokenizer/character_map.h"
#include "common/tokenizer/pattern.h"
#include "common/tokenizer/unicode.h"
#include "common/tokenizer/unicode_forms.h"

namespace ondelette::tokenizer {
namespace {

constexpr size_t kMaxSteps = 64;
// NFKD makes 11 bytes of one at most; a Replace could make anything.
constexpr size_t kMaxBytes = size_t{128} << 20;

absl::Status TooLong(absl::string_view text, absl::string_view why) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "TEXT_TOO_HARD",
      absl::StrCat("the tokenizer cannot normalize a text of ", text.size(), " bytes: ", why),
      "cut the text, or submit the corpus as token ids");
}

absl::StatusOr<std::string> Replace(const Pattern& pattern, absl::string_view content,
                                    absl::string_view text) {
  absl::StatusOr<std::vector<Span>> matches = pattern.FindAll(text);
  if (!matches.ok()) return matches.status();
  std::string result;
  size_t done = 0;
  for (const Span& match : *matches) {
    absl::StrAppend(&result, text.substr(done, match.start - done), content);
    if (result.size() > kMaxBytes) return TooLong(text, "a Replace makes it too long");
    done = match.end;
  }
  absl::StrAppend(&result, text.substr(done));
  return result;
}

std::string Strip(bool left, bool right, absl::string_view text) {
  if (left) text.remove_prefix(SpaceBytesAtStart(text));
  if (right) text.remove_suffix(SpaceBytesAtEnd(text));
  return std::string(text);
}

BertOptions ReadBertOptions(const Field& field) {
  BertOptions options;
  options.clean_text = field["clean_text"].Bool(true);
  options.handle_chinese_chars = field["handle_chinese_chars"].Bool(true);
  options.lowercase = field["lowercase"].Bool(true);
  options.strip_accents = field["strip_accents"].Bool(options.lowercase);
  return options;
}

std::shared_ptr<const CharacterMap> ReadCharacterMap(const Field& field) {
  std::string bytes;
  if (!absl::Base64Unescape(field.String(), &bytes)) {
    field.Invalid("is not base64");
    return nullptr;
  }
  absl::StatusOr<CharacterMap> map = CharacterMap::Parse(bytes);
  if (map.ok()) return std::make_shared<const CharacterMap>(*std::move(map));
  field.Invalid(map.status().message());
  return nullptr;
}

}  // namespace

Normalizer Normalizer::Read(const Field& field) {
  Normalizer normalizer;
  normalizer.Append(field);
  return normalizer;
}

void Normalizer::Append(const Field& field) {
  if (field.IsNull() || !field.Ok()) return;
  const std::string& type = field["type"].String();
  if (type == "Sequence") {
    for (const Field& step : field["normalizers"].Elements()) Append(step);
    return;
  }
  if (steps_.size() == kMaxSteps) field.Invalid("is one normalizer too many");
  Step step = ReadStep(type, field);
  if (step != nullptr) {
    steps_.push_back(std::move(step));
  } else {
    field.Unsupported(absl::StrCat("the normalizer \"", type, "\""));
  }
}

Normalizer::Step Normalizer::ReadStep(const std::string& type, const Field& field) {
  if (const icu::Normalizer2* form = FindForm(type); form != nullptr) {
    return [form](absl::string_view text) { return ToForm(*form, text); };
  }
  if (type == "Lowercase") return ToLower;
  if (type == "StripAccents") return WithoutCombiningMarks;
  if (type == "Nmt") return WithPlainSpaces;
  if (type == "ByteLevel") return SpellBytes;
  if (type == "BertNormalizer") {
    return [options = ReadBertOptions(field)](absl::string_view text) {
      return ToBert(options, text);
    };
  }
  if (type == "Strip") {
    bool left = field["strip_left"].Bool(true);
    bool right = field["strip_right"].Bool(true);
    return [left, right](absl::string_view text) { return Strip(left, right, text); };
  }
  if (type == "Precompiled") {
    return [map = ReadCharacterMap(field["precompiled_charsmap"])](absl::string_view text) {
      return map->Apply(text, kMaxBytes);
    };
  }
  if (type == "Prepend") {
    return [prefix = field["prepend"].String()](absl::string_view text) {
      return text.empty() ? std::string() : absl::StrCat(prefix, text);
    };
  }
  if (type == "Replace") {
    auto pattern = std::make_shared<const Pattern>(Pattern::Read(field["pattern"]));
    return [pattern, content = field["content"].String()](absl::string_view text) {
      return Replace(*pattern, content, text);
    };
  }
  return nullptr;
}

absl::StatusOr<std::string> Normalizer::Apply(absl::string_view text) const {
  std::string current(text);
  for (const Step& step : steps_) {
    absl::StatusOr<std::string> next = step(current);
    if (!next.ok()) {
      return ErrorReason(next.status()).empty() ? TooLong(text, next.status().message())
                                                : next.status();
    }
    current = *std::move(next);
    if (current.size() > kMaxBytes) return TooLong(text, "it becomes too long");
  }
  return current;
}

}  // namespace ondelette::tokenizer
