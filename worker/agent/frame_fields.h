// Fields of a frame's header, from a peer that may send anything.
#ifndef ONDELETTE_WORKER_AGENT_FRAME_FIELDS_H_
#define ONDELETTE_WORKER_AGENT_FRAME_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ondelette::agent {

// The text of a field, or "" where it is missing or no text.
inline std::string TextField(const nlohmann::json& header, const char* field) {
  auto value = header.find(field);
  return value != header.end() && value->is_string() ? value->get<std::string>() : std::string();
}

// The value of an integer field; nothing where it is missing, no integer or negative.
inline std::optional<int64_t> CountField(const nlohmann::json& header, const char* field) {
  auto value = header.find(field);
  if (value == header.end() || !value->is_number_integer()) return std::nullopt;
  const auto number = value->get<int64_t>();
  return number < 0 ? std::nullopt : std::optional<int64_t>(number);
}

// A number, or 0.
inline double NumberField(const nlohmann::json& header, const char* field) {
  auto value = header.find(field);
  return value != header.end() && value->is_number() ? value->get<double>() : 0.0;
}

// Whether a field is there and true.
inline bool FlagField(const nlohmann::json& header, const char* field) {
  auto value = header.find(field);
  return value != header.end() && value->is_boolean() && value->get<bool>();
}

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_FRAME_FIELDS_H_
