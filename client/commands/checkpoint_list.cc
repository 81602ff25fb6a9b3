#include "client/commands/checkpoint_list.h"

#include <cstdint>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors/errors.h"

namespace ondelette::client {
namespace {

absl::Status BadPart(absl::string_view part, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CHECKPOINTS_INVALID",
                   absl::StrCat("--checkpoints: '", part.substr(0, 80), "' ", problem),
                   "write it like step0,step1..step512,step1000:143000:1000,main");
}

// "step512" as "step" and 512; the prefix may be empty.
struct Numbered {
  absl::string_view prefix;
  int64_t number = -1;
};

Numbered ParseNumbered(absl::string_view name) {
  size_t digits = name.size();
  while (digits > 0 && absl::ascii_isdigit(static_cast<unsigned char>(name[digits - 1]))) --digits;
  Numbered result{name.substr(0, digits), -1};
  int64_t number;
  if (digits < name.size() && name.size() - digits <= 15 &&
      absl::SimpleAtoi(name.substr(digits), &number)) {
    result.number = number;
  }
  return result;
}

absl::StatusOr<std::vector<std::string>> ExpandDoubles(absl::string_view part, size_t dots) {
  Numbered first = ParseNumbered(part.substr(0, dots));
  Numbered last = ParseNumbered(part.substr(dots + 2));
  if (first.number < 0 || last.number < 0 ||
      (!last.prefix.empty() && last.prefix != first.prefix)) {
    return BadPart(part, "does not join two numbered names of one kind");
  }
  if (first.number == 0) return BadPart(part, "cannot double from 0: list step0 by itself");
  std::vector<std::string> names;
  int64_t number = first.number;
  for (; number <= last.number; number *= 2) names.push_back(absl::StrCat(first.prefix, number));
  if (names.empty() || number / 2 != last.number)
    return BadPart(part, "does not reach its end by doubling");
  return names;
}

absl::StatusOr<std::vector<std::string>> ExpandStrides(absl::string_view part) {
  std::vector<absl::string_view> pieces = absl::StrSplit(part, ':');
  Numbered first = ParseNumbered(pieces[0]);
  int64_t last = 0;
  int64_t stride = 0;
  if (pieces.size() != 3 || first.number < 0 || !absl::SimpleAtoi(pieces[2], &stride)) {
    return BadPart(part, "is not FIRST:LAST:STRIDE");
  }
  Numbered end = ParseNumbered(pieces[1]);
  last = end.number;
  if (last < 0 || (!end.prefix.empty() && end.prefix != first.prefix))
    return BadPart(part, "is not FIRST:LAST:STRIDE");
  if (stride < 1 || last < first.number)
    return BadPart(part, "does not lead from its first to its last number");
  if ((last - first.number) % stride != 0)
    return BadPart(part, "does not reach its end in whole strides");
  if (static_cast<size_t>((last - first.number) / stride) >= kMostCheckpoints) {
    return BadPart(part, absl::StrCat("is more than ", kMostCheckpoints, " checkpoints"));
  }
  std::vector<std::string> names;
  for (int64_t number = first.number; number <= last; number += stride) {
    names.push_back(absl::StrCat(first.prefix, number));
  }
  return names;
}

absl::StatusOr<std::vector<std::string>> ExpandPart(absl::string_view part) {
  if (part.empty()) return BadPart(part, "is empty");
  if (size_t dots = part.find(".."); dots != absl::string_view::npos)
    return ExpandDoubles(part, dots);
  if (part.find(':') != absl::string_view::npos) return ExpandStrides(part);
  return std::vector<std::string>{std::string(part)};
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ExpandCheckpoints(absl::string_view list) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (absl::string_view part : absl::StrSplit(list, ',')) {
    absl::StatusOr<std::vector<std::string>> expanded =
        ExpandPart(absl::StripAsciiWhitespace(part));
    if (!expanded.ok()) return expanded.status();
    for (std::string& name : *expanded) {
      if (seen.insert(name).second) names.push_back(std::move(name));
    }
    if (names.size() > kMostCheckpoints) {
      return BadPart(part, absl::StrCat("makes more than ", kMostCheckpoints, " checkpoints"));
    }
  }
  return names;
}

}  // namespace ondelette::client
