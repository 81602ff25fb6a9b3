// What a filter selects of a sweep: checked against what the sweep has, so that a name mistyped is
// an error and not an empty answer.
#ifndef ONDELETTE_SERVER_SERVICE_RESULT_SELECTION_H_
#define ONDELETTE_SERVER_SERVICE_RESULT_SELECTION_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "ondelette/v1/results.pb.h"
#include "server/store/store.h"

namespace ondelette::server {

// A checkpoint that has results: its own, or those of the one whose alias it is.
struct SelectedCheckpoint {
  StoredCheckpoint computed;  // whose layers and heads are known
  std::string model;
  std::string revision;
  std::string alias_of;  // MODEL@REVISION of `computed`; empty where it is this one
};

// Plain data.
struct Selection {
  StoredSweep sweep;
  Spec spec;
  std::vector<std::string> labels;  // of every column of the spec
  std::vector<SelectedCheckpoint>
      checkpoints;              // in listing order; those without results are not here
  std::vector<int> columns;     // selected ones, ascending
  std::vector<int32_t> layers;  // ascending; empty: all
  std::vector<int32_t> heads;   // likewise
};

// NOT_FOUND FILTER_UNKNOWN for a model, revision, layer or head that the sweep does not have,
// INVALID_ARGUMENT FILTER_UNKNOWN for a metric that the spec does not make; both name what there
// is. INVALID_ARGUMENT FILTER_INVALID for what can never be right. A layer or head is not refused
// while a selected checkpoint's shape is not known yet. Blocks on the disk.
absl::StatusOr<Selection> Select(Store& store, const v1::Filter& filter);

// The numbers of `wanted` (ascending; empty: all) that are below `count`.
std::vector<int> Below(const std::vector<int32_t>& wanted, int count);

// Ascending, each once.
template <typename Number>
std::vector<Number> Sorted(const google::protobuf::RepeatedField<Number>& field) {
  std::vector<Number> numbers(field.begin(), field.end());
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

// INVALID_ARGUMENT FILTER_INVALID: the field `name` of a query says what cannot be.
absl::Status FilterInvalid(absl::string_view name, absl::string_view what,
                           absl::string_view remedy);
// FILTER_UNKNOWN: `what` names nothing; `choices` are what there is (the first twenty are told).
absl::Status FilterUnknown(absl::StatusCode code, absl::string_view what,
                           const std::vector<std::string>& choices);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_RESULT_SELECTION_H_
