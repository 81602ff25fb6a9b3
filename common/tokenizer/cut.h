// Cutting a text at what was found in it.
#ifndef ONDELETTE_COMMON_TOKENIZER_CUT_H_
#define ONDELETTE_COMMON_TOKENIZER_CUT_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/pattern.h"

namespace ondelette::tokenizer {

// What becomes of the matches, as `tokenizers` names it.
enum class CutBehavior {
  kRemoved,             // they are left out
  kIsolated,            // each is a part
  kContiguous,          // neighbouring ones are one part
  kMergedWithPrevious,  // each ends the part before it
  kMergedWithNext,      // each begins the part behind it
};

// `matches` and the gaps between them, in order, so that they cover `size` bytes. With `invert` the
// gaps are the matches.
std::vector<Span> Cover(const std::vector<Span>& matches, size_t size, bool invert);

// The parts of a text that `spans` cover, in order; some may be empty.
std::vector<Span> Cut(const std::vector<Span>& spans, CutBehavior behavior);

// Single characters that `wanted` holds for, or the longest runs of characters of one class,
// without those of class 0.
std::vector<Span> FindCharacters(absl::string_view text, absl::FunctionRef<bool(char32_t)> wanted);
std::vector<Span> FindRuns(absl::string_view text, absl::FunctionRef<int(char32_t)> class_of);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_CUT_H_
