#include "worker/engine/program/analyze_request.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

absl::Status Invalid(absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FRAME_INVALID",
                   absl::StrCat("a frame makes no sense: ", problem),
                   "use an engine and a worker of the same version");
}

// A field that is a whole number from 0 to what a payload can hold, or -1.
int64_t Count(const json& object, const char* field) {
  auto value = object.is_object() ? object.find(field) : object.end();
  if (value == object.end() || !value->is_number_unsigned()) return -1;
  const auto number = value->get<uint64_t>();
  return number <= INT32_MAX ? static_cast<int64_t>(number) : -1;
}

}  // namespace

absl::StatusOr<Spec> SpecOf(const json& header) {
  auto spec = header.find("spec");
  if (spec == header.end()) return Invalid("it has no field 'spec'");
  return ParseSpec(spec->dump(-1, ' ', false, json::error_handler_t::replace));
}

absl::StatusOr<AnalyzeRequest> ReadAnalyzeRequest(const Frame& frame) {
  AnalyzeRequest request;
  auto job = frame.header.find("job");
  if (job == frame.header.end() || !job->is_string()) return Invalid("'job' is not a string");
  request.job = job->get<std::string>();
  absl::StatusOr<Spec> spec = SpecOf(frame.header);
  if (!spec.ok()) return spec.status();
  request.spec = *spec;
  auto sequences = frame.header.find("sequences");
  if (sequences == frame.header.end() || !sequences->is_array()) {
    return Invalid("'sequences' is not a list");
  }
  // A string's memory is aligned for any number.
  std::span<const int32_t> tokens(reinterpret_cast<const int32_t*>(frame.payload.data()),
                                  frame.payload.size() / sizeof(int32_t));
  for (const json& sequence : *sequences) {
    const int64_t index = Count(sequence, "sequence"), count = Count(sequence, "tokens");
    if (index < 0 || count < 0) {
      return Invalid("an entry of 'sequences' is not {sequence, tokens}");
    }
    if (static_cast<size_t>(count) > tokens.size()) return Invalid("its payload is too short");
    request.sequences.push_back({index, tokens.first(static_cast<size_t>(count))});
    tokens = tokens.subspan(static_cast<size_t>(count));
  }
  if (!tokens.empty() || frame.payload.size() % sizeof(int32_t) != 0) {
    return Invalid("its payload is longer than its sequences");
  }
  return request;
}

}  // namespace ondelette::engine
