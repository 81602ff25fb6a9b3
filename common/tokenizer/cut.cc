#include "common/tokenizer/cut.h"

#include <algorithm>

#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

// A span joins the part before it where `joins(is_match, was_match)` says so.
template <typename Joins>
std::vector<Span> Join(const std::vector<Span>& spans, Joins joins) {
  std::vector<Span> parts;
  bool was_match = false;
  for (const Span& span : spans) {
    if (!parts.empty() && joins(span.is_match, was_match)) {
      parts.back().start = std::min(parts.back().start, span.start);
      parts.back().end = std::max(parts.back().end, span.end);
    } else {
      parts.push_back(span);
    }
    was_match = span.is_match;
  }
  return parts;
}

}  // namespace

std::vector<Span> Cover(const std::vector<Span>& matches, size_t size, bool invert) {
  std::vector<Span> spans;
  size_t done = 0;
  for (const Span& match : matches) {
    if (done < match.start) spans.push_back({done, match.start, invert});
    spans.push_back({match.start, match.end, !invert});
    done = match.end;
  }
  if (done < size) spans.push_back({done, size, invert});
  return spans;
}

std::vector<Span> Cut(const std::vector<Span>& spans, CutBehavior behavior) {
  switch (behavior) {
    case CutBehavior::kIsolated:
      return spans;
    case CutBehavior::kRemoved: {
      std::vector<Span> gaps;
      for (const Span& span : spans) {
        if (!span.is_match) gaps.push_back(span);
      }
      return gaps;
    }
    case CutBehavior::kContiguous:
      return Join(spans, [](bool is_match, bool was_match) { return is_match == was_match; });
    case CutBehavior::kMergedWithPrevious:
      return Join(spans, [](bool is_match, bool was_match) { return is_match && !was_match; });
    case CutBehavior::kMergedWithNext: {
      std::vector<Span> backwards(spans.rbegin(), spans.rend());
      backwards =
          Join(backwards, [](bool is_match, bool was_match) { return is_match && !was_match; });
      std::reverse(backwards.begin(), backwards.end());
      return backwards;
    }
  }
  return spans;
}

std::vector<Span> FindCharacters(absl::string_view text, absl::FunctionRef<bool(char32_t)> wanted) {
  std::vector<Span> matches;
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    if (wanted(NextCharacter(text, &at))) matches.push_back({start, at, true});
  }
  return matches;
}

std::vector<Span> FindRuns(absl::string_view text, absl::FunctionRef<int(char32_t)> class_of) {
  std::vector<Span> runs;
  int last = 0;
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    int now = class_of(NextCharacter(text, &at));
    if (now != 0 && now == last) {
      runs.back().end = at;
    } else if (now != 0) {
      runs.push_back({start, at, true});
    }
    last = now;
  }
  return runs;
}

}  // namespace ondelette::tokenizer
