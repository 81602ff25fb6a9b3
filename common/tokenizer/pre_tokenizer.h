// The pre_tokenizer of a tokenizer.json: cuts text into the words that are encoded one by one.
// Supported: null, ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, Digits, Punctuation,
// BertPreTokenizer, and a Sequence of them.
#ifndef ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_
#define ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/cut.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/pattern.h"

namespace ondelette::tokenizer {

// Immutable and thread-safe once read.
class PreTokenizer {
 public:
  using WordSink = absl::FunctionRef<void(absl::string_view word)>;

  // Errors are recorded in the field.
  static PreTokenizer Read(const Field& field);

  // Gives the words of `text` (valid UTF-8, not empty) to `sink` in order. `starts_text` says that
  // nothing comes before it, not even an added token. After a ByteLevel step the words spell each
  // byte as one character (byte_spelling.h). RESOURCE_EXHAUSTED (TEXT_TOO_HARD) where a pattern
  // exceeds its limits of time or memory.
  absl::Status ForEachWord(absl::string_view text, bool starts_text, WordSink sink) const;

 private:
  using Finder = std::function<absl::StatusOr<std::vector<Span>>(absl::string_view word)>;
  enum class PrefixRule { kNever, kStartOfText, kAlways };

  // One step, in the order in which it works on a word.
  struct Step {
    std::string space;  // what each space becomes; empty: it stays
    std::string prefix;
    PrefixRule prefix_rule = PrefixRule::kNever;  // for a word that does not begin with it
    Finder find;                                  // null: the word is not cut
    CutBehavior behavior = CutBehavior::kIsolated;
    bool invert = false;
    bool spell_bytes = false;
  };

  void Append(const Field& field);
  void AppendCut(const std::string& type, const Field& field);
  void AppendByteLevel(const Field& field);
  void AppendMetaspace(const Field& field);
  void AppendSplit(const Field& field);
  // Runs steps_[index...] on one word.
  absl::Status Run(size_t index, absl::string_view word, bool starts_text, WordSink sink) const;

  std::vector<Step> steps_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_PRE_TOKENIZER_H_
