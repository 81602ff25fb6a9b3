// Command-line flags: `--name value` or `--name=value`, in any order, and nothing else.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_FLAGS_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_FLAGS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::engine {

// The reason of every error of the command line; the program then ends with status 2.
inline constexpr absl::string_view kUsageReason = "USAGE";
absl::Status UsageError(absl::string_view message, absl::string_view remedy = "");

struct FlagDefinition {
  const char* name;  // "--checkpoint"
  bool required = false;
  bool repeatable = false;
};

class Flags {
 public:
  // USAGE errors: an unknown flag, one without its value, one given twice, one that is missing, an
  // argument that is no flag.
  static absl::StatusOr<Flags> Parse(std::span<const std::string> arguments,
                                     std::span<const FlagDefinition> definitions);

  bool Has(absl::string_view name) const { return values_.contains(std::string(name)); }
  // The value of a flag, or `otherwise` where it was not given.
  std::string Get(absl::string_view name, absl::string_view otherwise = "") const;
  // Every value of a repeatable flag, as given.
  std::vector<std::string> All(absl::string_view name) const;
  // A whole number within [least, most].
  absl::StatusOr<int64_t> Number(absl::string_view name, int64_t otherwise, int64_t least,
                                 int64_t most) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_FLAGS_H_
