#include "common/tokenizer/pre_tokenizer.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

// GPT-2's pattern, which ByteLevel uses unless use_regex is false.
constexpr absl::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr size_t kMaxPatternBytes = 4096;

// ICU counts time in units of 10,000 steps of its matcher, about a millisecond. The patterns in use
// need a few steps a character; this allows a thousand times as much.
constexpr int32_t kTimeBase = 1000;
constexpr int32_t kTimePerCharacterShift = 3;  // one more unit for every 8 characters
constexpr int32_t kStackBytes = 32 << 20;      // backtracking memory, on the heap

// GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the 68 other bytes for U+0100 on.
std::array<std::string, 256> MakeByteSpelling() {
  std::array<std::string, 256> spelling;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
                     (byte >= 0xAE && byte <= 0xFF);
    char32_t character = printable ? static_cast<char32_t>(byte) : next++;
    spelling[byte] = ToUtf8(icu::UnicodeString(static_cast<UChar32>(character)));
  }
  return spelling;
}

void AppendSpelledBytes(absl::string_view word, std::string* spelled) {
  static const auto* const spelling = new std::array<std::string, 256>(MakeByteSpelling());
  for (char byte : word) spelled->append((*spelling)[static_cast<unsigned char>(byte)]);
}

std::unique_ptr<icu::RegexPattern> Compile(absl::string_view pattern, uint32_t flags,
                                           const Field& field) {
  if (pattern.size() > kMaxPatternBytes) {
    field.Invalid(absl::StrCat("is a pattern of more than ", kMaxPatternBytes, " bytes"));
    return nullptr;
  }
  UErrorCode code = U_ZERO_ERROR;
  UParseError at{};
  std::unique_ptr<icu::RegexPattern> compiled(
      icu::RegexPattern::compile(ToUtf16(pattern), flags, at, code));
  if (U_SUCCESS(code)) return compiled;
  field.Invalid(absl::StrCat("is not a regular expression: ", u_errorName(code), " at character ",
                             at.offset));
  return nullptr;
}

absl::Status TooHard(absl::string_view word, UErrorCode code) {
  return MakeError(absl::StatusCode::kResourceExhausted, "TEXT_TOO_HARD",
                   absl::StrCat("the tokenizer's regular expression needs too much time or memory "
                                "on a text of ",
                                word.size(), " bytes: ", u_errorName(code)),
                   "cut the text, or submit the corpus as token ids");
}

}  // namespace

PreTokenizer PreTokenizer::Read(const Field& field) {
  PreTokenizer pre_tokenizer;
  pre_tokenizer.Append(field);
  return pre_tokenizer;
}

void PreTokenizer::Append(const Field& field) {
  if (field.IsNull()) return;
  const std::string& type = field["type"].String();
  if (type == "Sequence") {
    for (const Field& step : field["pretokenizers"].Elements()) Append(step);
  } else if (type == "ByteLevel") {
    AppendByteLevel(field);
  } else if (type == "Split") {
    AppendSplit(field);
  } else {
    field.Unsupported(absl::StrCat("the pre-tokenizer \"", type, "\""));
  }
}

void PreTokenizer::AppendByteLevel(const Field& field) {
  Step step;
  step.add_space = field["add_prefix_space"].Bool(true);
  if (field["use_regex"].Bool(true)) step.pattern = Compile(kGpt2Pattern, 0, field);
  step.spell_bytes = true;
  steps_.push_back(std::move(step));
}

void PreTokenizer::AppendSplit(const Field& field) {
  Step step;
  Field pattern = field["pattern"];
  Field regex = pattern["Regex"];
  if (!regex.IsNull()) {
    step.pattern = Compile(regex.String(), 0, regex);
  } else {
    Field literal = pattern["String"];
    step.pattern = Compile(literal.String(), UREGEX_LITERAL, literal);
  }
  const std::string& behavior = field["behavior"].String();
  bool invert = field["invert"].Bool(false);
  if (behavior == "Removed") {
    (invert ? step.keep_gaps : step.keep_matches) = false;
  } else if (behavior != "Isolated") {
    field.Unsupported(absl::StrCat("the behavior \"", behavior, "\" of Split"));
  }
  steps_.push_back(std::move(step));
}

absl::Status PreTokenizer::ForEachWord(absl::string_view text, WordSink sink) const {
  return Run(0, text, sink);
}

absl::Status PreTokenizer::Run(size_t index, absl::string_view word, WordSink sink) const {
  if (word.empty()) return absl::OkStatus();
  if (index == steps_.size()) {
    sink(word);
    return absl::OkStatus();
  }
  const Step& step = steps_[index];
  absl::Status status;
  auto next = [&](absl::string_view part) {
    if (!status.ok()) return;
    if (!step.spell_bytes) {
      status = Run(index + 1, part, sink);
      return;
    }
    std::string spelled;
    AppendSpelledBytes(part, &spelled);
    status = Run(index + 1, spelled, sink);
  };
  std::string with_space;
  if (step.add_space && word[0] != ' ') {
    with_space = absl::StrCat(" ", word);
    word = with_space;
  }
  if (step.pattern == nullptr) {
    next(word);
    return status;
  }
  absl::Status cut = Cut(step, word, next);
  return status.ok() ? cut : status;
}

absl::Status PreTokenizer::Cut(const Step& step, absl::string_view word, WordSink sink) const {
  icu::UnicodeString text = ToUtf16(word);
  UErrorCode code = U_ZERO_ERROR;
  std::unique_ptr<icu::RegexMatcher> matcher(step.pattern->matcher(text, code));
  if (U_FAILURE(code)) return TooHard(word, code);
  matcher->setTimeLimit(kTimeBase + (text.length() >> kTimePerCharacterShift), code);
  matcher->setStackLimit(kStackBytes, code);
  std::string part;
  auto give = [&](int32_t start, int32_t end) {
    part.clear();
    text.tempSubStringBetween(start, end).toUTF8String(part);
    sink(part);
  };
  int32_t done = 0;
  while (matcher->find(code) != 0 && U_SUCCESS(code)) {
    int32_t start = matcher->start(code);
    int32_t end = matcher->end(code);
    if (step.keep_gaps && done < start) give(done, start);
    if (step.keep_matches && start < end) give(start, end);
    done = end;
  }
  if (U_FAILURE(code)) return TooHard(word, code);
  if (step.keep_gaps && done < text.length()) give(done, text.length());
  return absl::OkStatus();
}

}  // namespace ondelette::tokenizer
