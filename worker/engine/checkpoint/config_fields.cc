#include "worker/engine/checkpoint/config_fields.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

using nlohmann::json;

std::string Shown(const json& value) {
  constexpr size_t kLongest = 80;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

}  // namespace

const json* ConfigFields::Value(absl::string_view field) const {
  auto found = object_.find(std::string(field));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigFields::IsNull(absl::string_view field) const {
  auto found = object_.find(std::string(field));
  return found != object_.end() && found->is_null();
}

void ConfigFields::Refuse(absl::string_view field, absl::string_view why) {
  if (!status_.ok()) return;
  const json* value = Value(field);
  status_ = MakeError(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
                      absl::StrCat(file_, ": field '", field, "' is ",
                                   value == nullptr ? "absent" : Shown(*value), ": ", why),
                      "compare it with the config.json the model was published with");
}

int64_t ConfigFields::Int(absl::string_view field, int64_t otherwise, int64_t least, int64_t most) {
  const json* value = Value(field);
  if (value == nullptr) return otherwise;
  if (value->is_number_integer() && *value >= least && *value <= most) return value->get<int64_t>();
  Refuse(field, absl::StrCat("it takes a whole number from ", least, " to ", most));
  return otherwise;
}

double ConfigFields::Number(absl::string_view field, double otherwise, double least, double most) {
  const json* value = Value(field);
  if (value == nullptr) return otherwise;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
    return value->get<double>();
  }
  Refuse(field, absl::StrCat("it takes a number from ", least, " to ", most));
  return otherwise;
}

bool ConfigFields::Bool(absl::string_view field, bool otherwise) {
  const json* value = Value(field);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  Refuse(field, "it takes true or false");
  return otherwise;
}

std::string ConfigFields::Text(absl::string_view field, absl::string_view otherwise) {
  const json* value = Value(field);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->get<std::string>();
  Refuse(field, "it takes text");
  return std::string(otherwise);
}

std::vector<std::string> ConfigFields::TextList(absl::string_view field) {
  const json* value = Value(field);
  std::vector<std::string> list;
  if (value == nullptr) return list;
  for (const json& item : *value) {
    if (!value->is_array() || !item.is_string()) {
      Refuse(field, "it takes a list of text");
      return {};
    }
    list.push_back(item.get<std::string>());
  }
  if (!value->is_array()) Refuse(field, "it takes a list of text");
  return list;
}

}  // namespace ondelette
