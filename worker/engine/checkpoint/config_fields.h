// Reads the fields of a config.json, each with its default and its range, and keeps the first
// error.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_FIELDS_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// Both arguments must outlive it. Not thread-safe. A field that is absent or null has its default;
// one of another type or out of range sets status(), INVALID_ARGUMENT CONFIG_INVALID naming file
// and field, and has its default too.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::json& object, absl::string_view file)
      : object_(object), file_(file) {}

  bool Has(absl::string_view field) const { return Value(field) != nullptr; }
  // Whether the field is there and null, where that differs from its absence.
  bool IsNull(absl::string_view field) const;
  int64_t Int(absl::string_view field, int64_t otherwise, int64_t least, int64_t most);
  double Number(absl::string_view field, double otherwise, double least, double most);
  bool Bool(absl::string_view field, bool otherwise);
  std::string Text(absl::string_view field, absl::string_view otherwise);
  // A list of text; empty where it is absent.
  std::vector<std::string> TextList(absl::string_view field);

  // Records an error of this field, unless there was one before.
  void Refuse(absl::string_view field, absl::string_view why);
  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json* Value(absl::string_view field) const;  // nullptr: absent or null

  const nlohmann::json& object_;
  absl::string_view file_;
  absl::Status status_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_CONFIG_FIELDS_H_
