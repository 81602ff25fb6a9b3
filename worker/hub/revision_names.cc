#include "worker/hub/revision_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/errors/errors.h"

namespace ondelette::hub {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr size_t kNamesShown = 5;

// The run of digits at `at`, without leading zeros; empty where there is none. Moves `at` behind
// it.
absl::string_view TakeNumber(absl::string_view text, size_t* at) {
  size_t start = *at;
  while (*at < text.size() && absl::ascii_isdigit(text[*at])) ++*at;
  while (start < *at && text[start] == '0' && start + 1 < *at) ++start;
  return text.substr(start, *at - start);
}

bool NaturallyLess(absl::string_view a, absl::string_view b) {
  size_t at_a = 0;
  size_t at_b = 0;
  while (at_a < a.size() && at_b < b.size()) {
    absl::string_view number_a = TakeNumber(a, &at_a);
    absl::string_view number_b = TakeNumber(b, &at_b);
    if (!number_a.empty() && !number_b.empty()) {
      auto key_a = std::pair(number_a.size(), number_a);
      auto key_b = std::pair(number_b.size(), number_b);
      if (key_a != key_b) return key_a < key_b;
      continue;
    }
    if (number_a.empty() != number_b.empty()) return !number_a.empty();
    if (a[at_a] != b[at_b]) return a[at_a] < b[at_b];
    ++at_a, ++at_b;
  }
  if (at_a != a.size() || at_b != b.size()) return at_a == a.size();
  return a < b;  // step1 and step01
}

// Levenshtein's distance.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

bool IsRepoPart(absl::string_view part) {
  auto is_edge = [](char c) { return c == '.' || c == '-'; };
  auto is_allowed = [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  };
  return !part.empty() && part.size() <= 96 && !is_edge(part.front()) && !is_edge(part.back()) &&
         std::all_of(part.begin(), part.end(), is_allowed) && !absl::StrContains(part, "..") &&
         !absl::StrContains(part, "--");
}

}  // namespace

bool IsSafeRelativePath(absl::string_view name) {
  auto is_bad = [](char c) { return absl::ascii_iscntrl(c) || c == '\\'; };
  if (name.size() > kMaxNameBytes || std::any_of(name.begin(), name.end(), is_bad)) return false;
  for (absl::string_view part : absl::StrSplit(name, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

bool IsRepoId(absl::string_view name) {
  std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return parts.size() <= 2 && std::all_of(parts.begin(), parts.end(), IsRepoPart);
}

void SortNaturally(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end(), NaturallyLess);
}

absl::Status RevisionNotFound(const std::string& model, const std::string& revision,
                              const std::string& place, std::vector<std::string> known) {
  std::string message = absl::StrCat(model, " has no revision \"", revision, "\" in ", place);
  if (known.empty()) {
    absl::StrAppend(&message, ", nor any other");
  } else {
    size_t count = known.size();
    SortNaturally(&known);
    std::stable_sort(known.begin(), known.end(), [&](const auto& a, const auto& b) {
      return Distance(a, revision) < Distance(b, revision);
    });
    if (count > kNamesShown) known.resize(kNamesShown);
    absl::StrAppend(&message, "; it has ", count, count > kNamesShown ? ", the nearest " : ": ",
                    absl::StrJoin(known, ", "));
  }
  return MakeError(absl::StatusCode::kNotFound, "REVISION_NOT_FOUND", message,
                   "name a revision that exists, or download this one first");
}

absl::Status RevisionInvalid(const std::string& model, const std::string& revision) {
  return MakeError(absl::StatusCode::kInvalidArgument, "REVISION_INVALID",
                   absl::StrCat("\"", absl::CHexEscape(revision.substr(0, kMaxNameBytes)), "\" of ",
                                model, " is not a revision's name: a branch, a tag or a commit"));
}

}  // namespace ondelette::hub
