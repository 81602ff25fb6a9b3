#include "server/service/result_selection.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/catalogue/catalogue.h"
#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

constexpr size_t kMostChoices = 20;
constexpr size_t kMostNameBytes = 100;

// A name of the caller's, short enough for a status message and without control characters.
std::string Quoted(absl::string_view name) {
  const bool cut = name.size() > kMostNameBytes;
  return absl::StrCat("'", absl::CHexEscape(name.substr(0, kMostNameBytes)), cut ? "..." : "", "'");
}

// Whether `name` selects the column: its label, or the name of its metric, with or without the
// parameter, for all its columns. Controls have labels of their own.
bool Selects(absl::string_view name, const Column& column, absl::string_view label) {
  if (name == label || name == column.metric) return true;
  const ColumnParts parts = ParseColumn(label);
  return parts.metric != nullptr && parts.control.empty() && name == parts.metric->name();
}

absl::StatusOr<std::vector<int>> SelectColumns(const v1::Filter& filter, const Spec& spec,
                                               const std::vector<std::string>& labels) {
  const std::vector<Column> columns = Columns(spec);
  const std::set<std::string> names(filter.metrics().begin(), filter.metrics().end());
  std::set<int> selected;
  for (const std::string& name : names) {
    bool found = false;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (!Selects(name, columns[i], labels[i])) continue;
      selected.insert(static_cast<int>(i));
      found = true;
    }
    if (!found) {
      std::vector<std::string> choices;
      for (const Column& column : columns) {
        if (choices.empty() || choices.back() != column.metric) choices.push_back(column.metric);
      }
      return FilterUnknown(
          absl::StatusCode::kInvalidArgument,
          absl::StrCat("metric ", Quoted(name), " is not made by the sweep's spec"), choices);
    }
  }
  std::vector<int> all;
  for (size_t i = 0; i < columns.size(); ++i) all.push_back(static_cast<int>(i));
  return names.empty() ? all : std::vector<int>(selected.begin(), selected.end());
}

absl::Status CheckNames(absl::string_view what, const std::set<std::string>& names,
                        const std::vector<std::string>& choices) {
  const std::set<std::string> known(choices.begin(), choices.end());
  for (const std::string& name : names) {
    if (known.count(name) > 0) continue;
    return FilterUnknown(absl::StatusCode::kNotFound,
                         absl::StrCat(what, " ", Quoted(name), " is not in the sweep"), choices);
  }
  return absl::OkStatus();
}

bool MayGetResults(const StoredCheckpoint& checkpoint) {
  return checkpoint.layers == 0 && (checkpoint.state == v1::CHECKPOINT_STATE_UNRESOLVED ||
                                    checkpoint.state == v1::CHECKPOINT_STATE_RESOLVED);
}

// `count` is the largest that any selected checkpoint has.
absl::Status CheckNumbers(absl::string_view field, const std::vector<int32_t>& numbers, int count,
                          bool all_known) {
  if (numbers.empty()) return absl::OkStatus();
  if (numbers.front() < 0) {
    return FilterInvalid(field, absl::StrCat(numbers.front(), " is below 0"),
                         "numbers begin at 0; leave the field empty for all");
  }
  if (!all_known || count == 0 || numbers.back() < count) return absl::OkStatus();
  return FilterUnknown(absl::StatusCode::kNotFound,
                       absl::StrCat(field, ": no selected checkpoint has number ", numbers.back()),
                       {absl::StrCat("0 to ", count - 1)});
}

// The checkpoints that the filter names and that have results, and whether all that it names have
// their shape.
bool SelectCheckpoints(const std::vector<StoredCheckpoint>& checkpoints,
                       const std::set<std::string>& models, const std::set<std::string>& revisions,
                       std::vector<SelectedCheckpoint>& selected) {
  std::map<int64_t, const StoredCheckpoint*> by_id;
  for (const StoredCheckpoint& checkpoint : checkpoints) by_id[checkpoint.id] = &checkpoint;
  bool all_known = true;
  for (const StoredCheckpoint& checkpoint : checkpoints) {
    if (!models.empty() && models.count(checkpoint.model) == 0) continue;
    if (!revisions.empty() && revisions.count(checkpoint.revision) == 0) continue;
    const StoredCheckpoint* computed = &checkpoint;
    if (checkpoint.state == v1::CHECKPOINT_STATE_ALIASED) {
      auto found = by_id.find(checkpoint.alias_of);
      if (found == by_id.end()) continue;
      computed = found->second;
    }
    all_known = all_known && !MayGetResults(*computed);
    if (computed->layers <= 0 || computed->heads <= 0) continue;
    selected.push_back({*computed, checkpoint.model, checkpoint.revision,
                        computed == &checkpoint ? "" : CheckpointName(*computed)});
  }
  return all_known;
}

}  // namespace

absl::Status FilterInvalid(absl::string_view name, absl::string_view what,
                           absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FILTER_INVALID",
                   absl::StrCat(name, ": ", what), remedy);
}

absl::Status FilterUnknown(absl::StatusCode code, absl::string_view what,
                           const std::vector<std::string>& choices) {
  std::vector<std::string> told;
  for (size_t i = 0; i < choices.size() && i < kMostChoices; ++i)
    told.push_back(choices[i].substr(0, kMostNameBytes));
  if (choices.size() > kMostChoices)
    told.push_back(absl::StrCat("and ", choices.size() - kMostChoices, " more"));
  return MakeError(code, "FILTER_UNKNOWN", what,
                   absl::StrCat("there is: ", absl::StrJoin(told, ", ")));
}

std::vector<int> Below(const std::vector<int32_t>& wanted, int count) {
  std::vector<int> numbers;
  if (wanted.empty()) {
    for (int number = 0; number < count; ++number) numbers.push_back(number);
  }
  for (int32_t number : wanted) {
    if (number >= 0 && number < count) numbers.push_back(number);
  }
  return numbers;
}

absl::StatusOr<Selection> Select(Store& store, const v1::Filter& filter) {
  if (filter.sweep().empty()) {
    return FilterInvalid("sweep", "is missing",
                         "name a sweep by its id, a unique beginning of it, or its name");
  }
  auto sweep = store.FindSweep(filter.sweep());
  if (!sweep.ok()) return sweep.status();
  auto spec = ParseSpec(sweep->spec_json);
  if (!spec.ok()) return spec.status();
  Selection selection{*std::move(sweep), *std::move(spec), {}, {}, {}, {}, {}};
  for (const Column& column : Columns(selection.spec)) selection.labels.push_back(column.Label());

  const std::set<std::string> models(filter.models().begin(), filter.models().end());
  const std::set<std::string> revisions(filter.revisions().begin(), filter.revisions().end());
  absl::Status known = CheckNames("model", models, selection.sweep.models);
  if (known.ok()) known = CheckNames("revision", revisions, selection.sweep.revisions);
  if (!known.ok()) return known;
  auto columns = SelectColumns(filter, selection.spec, selection.labels);
  if (!columns.ok()) return columns.status();
  selection.columns = *std::move(columns);

  auto checkpoints = store.Checkpoints(selection.sweep.id);
  if (!checkpoints.ok()) return checkpoints.status();
  const bool all_known = SelectCheckpoints(*checkpoints, models, revisions, selection.checkpoints);
  int layers = 0;
  int heads = 0;
  for (const SelectedCheckpoint& checkpoint : selection.checkpoints) {
    layers = std::max(layers, checkpoint.computed.layers);
    heads = std::max(heads, checkpoint.computed.heads);
  }
  selection.layers = Sorted(filter.layers());
  selection.heads = Sorted(filter.heads());
  absl::Status numbers = CheckNumbers("layers", selection.layers, layers, all_known);
  if (numbers.ok()) numbers = CheckNumbers("heads", selection.heads, heads, all_known);
  if (!numbers.ok()) return numbers;
  return selection;
}

}  // namespace ondelette::server
