#include "worker/engine/program/flags.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {

absl::Status UsageError(absl::string_view message, absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, kUsageReason, message,
                   remedy.empty() ? "see --help" : remedy);
}

absl::StatusOr<Flags> Flags::Parse(std::span<const std::string> arguments,
                                   std::span<const FlagDefinition> definitions) {
  Flags flags;
  for (size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    auto definition =
        std::find_if(definitions.begin(), definitions.end(),
                     [&name](const FlagDefinition& known) { return name == known.name; });
    if (definition == definitions.end()) {
      const bool flag = argument.rfind("--", 0) == 0;
      return UsageError(absl::StrCat(flag ? "unknown flag '" : "unexpected argument '",
                                     flag ? name : argument, "'"));
    }
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (++at < arguments.size()) {
      value = arguments[at];
    } else {
      return UsageError(absl::StrCat(name, " needs a value"));
    }
    std::vector<std::string>& values = flags.values_[name];
    if (!values.empty() && !definition->repeatable) {
      return UsageError(absl::StrCat(name, " is given twice"));
    }
    values.push_back(value);
  }
  for (const FlagDefinition& definition : definitions) {
    if (definition.required && !flags.Has(definition.name)) {
      return UsageError(absl::StrCat(definition.name, " is missing"));
    }
  }
  return flags;
}

std::string Flags::Get(absl::string_view name, absl::string_view otherwise) const {
  auto found = values_.find(std::string(name));
  return found == values_.end() ? std::string(otherwise) : found->second.front();
}

std::vector<std::string> Flags::All(absl::string_view name) const {
  auto found = values_.find(std::string(name));
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<int64_t> Flags::Number(absl::string_view name, int64_t otherwise, int64_t least,
                                      int64_t most) const {
  if (!Has(name)) return otherwise;
  int64_t number = 0;
  if (absl::SimpleAtoi(Get(name), &number) && number >= least && number <= most) return number;
  return UsageError(absl::StrCat(name, " is '", Get(name), "': it takes a whole number from ",
                                 least, " to ", most));
}

}  // namespace ondelette::engine
