#include "common/tokenizer/pre_tokenizer.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/tokenizer/byte_spelling.h"
#include "common/tokenizer/character_classes.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

// Steps work on one another's words, one call deeper each.
constexpr size_t kMaxSteps = 32;

// GPT-2's pattern, which ByteLevel uses unless use_regex is false.
constexpr absl::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

CutBehavior ReadBehavior(const Field& field) {
  const std::string& name = field.String();
  if (name == "Removed") return CutBehavior::kRemoved;
  if (name == "Isolated") return CutBehavior::kIsolated;
  if (name == "Contiguous") return CutBehavior::kContiguous;
  if (name == "MergedWithPrevious") return CutBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return CutBehavior::kMergedWithNext;
  field.Unsupported(absl::StrCat("the behavior \"", name, "\""));
  return CutBehavior::kIsolated;
}

// Finds what the pattern matches.
auto Finding(Pattern pattern) {
  return [pattern = std::make_shared<const Pattern>(std::move(pattern))](absl::string_view word) {
    return pattern->FindAll(word);
  };
}

// Finds the single characters of a class.
auto Finding(bool (*wanted)(char32_t)) {
  return [wanted](absl::string_view word) { return FindCharacters(word, wanted); };
}

// \w+|[^\w\s]+
std::vector<Span> FindWords(absl::string_view text) {
  return FindRuns(text, [](char32_t c) { return IsWord(c) ? 1 : IsSpace(c) ? 0 : 2; });
}

}  // namespace

PreTokenizer PreTokenizer::Read(const Field& field) {
  PreTokenizer pre_tokenizer;
  pre_tokenizer.Append(field);
  return pre_tokenizer;
}

void PreTokenizer::Append(const Field& field) {
  if (field.IsNull() || !field.Ok()) return;
  const std::string& type = field["type"].String();
  if (type == "Sequence") {
    for (const Field& step : field["pretokenizers"].Elements()) Append(step);
  } else if (type == "ByteLevel") {
    AppendByteLevel(field);
  } else if (type == "Split") {
    AppendSplit(field);
  } else if (type == "Metaspace") {
    AppendMetaspace(field);
  } else {
    AppendCut(type, field);
  }
  if (steps_.size() > kMaxSteps) field.Invalid("is one pre-tokenizer too many");
}

void PreTokenizer::AppendCut(const std::string& type, const Field& field) {
  Step step;
  if (type == "WhitespaceSplit") {
    step.find = Finding(IsSpace);
    step.behavior = CutBehavior::kRemoved;
  } else if (type == "Whitespace") {
    step.find = FindWords;
    step.behavior = CutBehavior::kRemoved;
    step.invert = true;
  } else if (type == "Digits") {
    bool each = field["individual_digits"].Bool(false);
    step.find = Finding(IsNumber);
    step.behavior = each ? CutBehavior::kIsolated : CutBehavior::kContiguous;
  } else if (type == "Punctuation") {
    Field behavior = field["behavior"];
    step.find = Finding(IsPunctuation);
    if (!behavior.IsNull()) step.behavior = ReadBehavior(behavior);
  } else if (type == "BertPreTokenizer") {
    Step spaces;
    spaces.find = Finding(IsSpace);
    spaces.behavior = CutBehavior::kRemoved;
    steps_.push_back(std::move(spaces));
    step.find = Finding(IsPunctuation);
  } else {
    field.Unsupported(absl::StrCat("the pre-tokenizer \"", type, "\""));
  }
  steps_.push_back(std::move(step));
}

void PreTokenizer::AppendByteLevel(const Field& field) {
  Step step;
  step.prefix = " ";
  if (field["add_prefix_space"].Bool(true)) step.prefix_rule = PrefixRule::kAlways;
  if (field["use_regex"].Bool(true)) step.find = Finding(Pattern::Regex(kGpt2Pattern, field));
  step.spell_bytes = true;
  steps_.push_back(std::move(step));
}

// Written until 2024 as add_prefix_space and str_rep, since then as prepend_scheme and split.
void PreTokenizer::AppendMetaspace(const Field& field) {
  Field replacement = field["replacement"];
  Step step;
  step.space = replacement.String();
  if (CountCharacters(step.space) != 1) replacement.Invalid("is not one character");
  step.prefix = step.space;
  Field scheme = field["prepend_scheme"];
  const std::string name = scheme.IsNull() ? "always" : scheme.String();
  bool add = field["add_prefix_space"].Bool(true);
  if (name == "never" || (!add && scheme.IsNull())) {
    step.prefix_rule = PrefixRule::kNever;
  } else if (!add) {
    scheme.Invalid("contradicts add_prefix_space");
  } else if (name == "always") {
    step.prefix_rule = PrefixRule::kAlways;
  } else if (name == "first") {
    step.prefix_rule = PrefixRule::kStartOfText;
  } else {
    scheme.Unsupported(absl::StrCat("the scheme \"", name, "\""));
  }
  if (field["split"].Bool(true) && field.Ok()) {
    step.find = Finding(Pattern::Literal(step.space));
    step.behavior = CutBehavior::kMergedWithNext;
  }
  steps_.push_back(std::move(step));
}

void PreTokenizer::AppendSplit(const Field& field) {
  Step step;
  step.find = Finding(Pattern::Read(field["pattern"]));
  step.behavior = ReadBehavior(field["behavior"]);
  step.invert = field["invert"].Bool(false);
  steps_.push_back(std::move(step));
}

absl::Status PreTokenizer::ForEachWord(absl::string_view text, bool starts_text,
                                       WordSink sink) const {
  return Run(0, text, starts_text, sink);
}

absl::Status PreTokenizer::Run(size_t index, absl::string_view word, bool starts_text,
                               WordSink sink) const {
  if (word.empty()) return absl::OkStatus();
  if (index == steps_.size()) {
    sink(word);
    return absl::OkStatus();
  }
  const Step& step = steps_[index];
  std::string changed;
  if (!step.space.empty()) {
    changed = absl::StrReplaceAll(word, {{" ", step.space}});
    word = changed;
  }
  bool prefix_wanted = step.prefix_rule == PrefixRule::kAlways ||
                       (step.prefix_rule == PrefixRule::kStartOfText && starts_text);
  if (prefix_wanted && !absl::StartsWith(word, step.prefix)) {
    changed = absl::StrCat(step.prefix, word);
    word = changed;
  }
  std::vector<Span> parts = {{0, word.size(), false}};
  if (step.find != nullptr) {
    absl::StatusOr<std::vector<Span>> matches = step.find(word);
    if (!matches.ok()) return matches.status();
    parts = Cut(Cover(*matches, word.size(), step.invert), step.behavior);
  }
  for (const Span& part : parts) {
    absl::string_view text = word.substr(part.start, part.end - part.start);
    bool starts = starts_text && part.start == 0;
    absl::Status status = step.spell_bytes ? Run(index + 1, SpellBytes(text), starts, sink)
                                           : Run(index + 1, text, starts, sink);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ondelette::tokenizer
