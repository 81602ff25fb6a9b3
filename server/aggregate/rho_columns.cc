#include "server/aggregate/rho_columns.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace ondelette::server {
namespace {

int IndexOf(absl::string_view label, const std::vector<Column>& columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].Label() == label) return static_cast<int>(i);
  }
  return -1;
}

RhoColumns Find(bool sink_dropped, absl::string_view suffix, const std::vector<Column>& columns) {
  auto find = [&](absl::string_view metric, absl::string_view null) {
    return IndexOf(absl::StrCat(metric, suffix, null), columns);
  };
  return {sink_dropped, find("positional_entropy", ""), find("spectral_entropy", ""),
          find("positional_entropy", kKeyShuffledSuffix),
          find("spectral_entropy", kKeyShuffledSuffix)};
}

}  // namespace

std::vector<RhoColumns> RhoColumnsOf(const Spec& spec) {
  const std::vector<Column> columns = Columns(spec);
  std::vector<RhoColumns> all{Find(spec.sink == Sink::kDropped, "", columns)};
  const RhoColumns dropped = Find(true, kSinkDroppedSuffix, columns);
  if (dropped.positional_entropy >= 0) all.push_back(dropped);
  return all;
}

}  // namespace ondelette::server
