// Spec <-> JSON, and the digest of the JSON.
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "common/spec/spec_words.h"

namespace ondelette {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

absl::Status FieldError(absl::string_view field, const json& value, absl::string_view takes) {
  std::string got = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (got.size() > 80) got = got.substr(0, 80) + "...";
  return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
                   absl::StrCat("spec field '", field, "' is ", got, ": it takes ", takes),
                   "see `ondelette spec show` for every field and its words");
}

template <typename Enum>
absl::Status Read(absl::string_view field, const json& value,
                  Enum& out) requires std::is_enum_v<Enum> {
  if (value.is_string() && WordToEnum(value.get<std::string>(), out)) return absl::OkStatus();
  return FieldError(field, value, absl::StrCat("one of ", WordList<Enum>()));
}

absl::Status Read(absl::string_view field, const json& value, int& out) {
  if (value.is_number_integer()) {
    double number = value.get<double>();
    if (number >= 0 && number <= kLargestInteger) {
      out = static_cast<int>(number);
      return absl::OkStatus();
    }
  }
  return FieldError(field, value, absl::StrCat("a whole number from 0 to ", kLargestInteger));
}

absl::Status Read(absl::string_view field, const json& value, double& out) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return FieldError(field, value, "a finite number");
  }
  out = value.get<double>();
  return absl::OkStatus();
}

absl::Status Read(absl::string_view field, const json& value, std::string& out) {
  if (!value.is_string()) return FieldError(field, value, "a word");
  out = value.get<std::string>();
  return absl::OkStatus();
}

absl::Status Read(absl::string_view field, const json& value, FftLength& out) {
  if (value == "n") {
    out = FftLength{};
  } else if (value == "next-pow2") {
    out = FftLength{FftLength::Kind::kNextPow2, 0};
  } else if (value.is_number_integer()) {
    out.kind = FftLength::Kind::kPoints;
    return Read(field, value, out.points);
  } else {
    return FieldError(field, value, "\"n\", \"next-pow2\" or a number of points");
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Read(absl::string_view field, const json& value, std::vector<T>& out) {
  if (!value.is_array() || value.size() > kLongestList) {
    return FieldError(field, value, absl::StrCat("a list of at most ", kLongestList));
  }
  std::vector<T> list;
  for (const json& element : value) {
    T item{};
    if (absl::Status status = Read(field, element, item); !status.ok()) return status;
    list.push_back(item);
  }
  out = std::move(list);
  return absl::OkStatus();
}

template <typename Enum>
ordered_json Write(Enum value) requires std::is_enum_v<Enum> {
  return std::string(EnumToWord(value));
}
ordered_json Write(int value) { return value; }
ordered_json Write(double value) { return value; }
ordered_json Write(const std::string& value) { return value; }
ordered_json Write(const FftLength& value) {
  if (value.kind == FftLength::Kind::kPoints) return value.points;
  return value.kind == FftLength::Kind::kSignal ? "n" : "next-pow2";
}
template <typename T>
ordered_json Write(const std::vector<T>& list) {
  ordered_json out = ordered_json::array();
  for (const T& item : list) out.push_back(Write(item));
  return out;
}

// Calls visit(name, field) for every field in canonical order: the one list of fields.
template <typename SpecType, typename Visit>
void ForEachField(SpecType& spec, Visit visit) {
  visit("tokens", spec.tokens);
  visit("signal", spec.signal);
  visit("window_tokens", spec.window_tokens);
  visit("sink", spec.sink);
  visit("detrend", spec.detrend);
  visit("taper", spec.taper);
  visit("fft_length", spec.fft_length);
  visit("one_sided", spec.one_sided);
  visit("dc", spec.dc);
  visit("band_edges", spec.band_edges);
  visit("wavelet", spec.wavelet);
  visit("boundary", spec.boundary);
  visit("level", spec.level);
  visit("wavelet_entropy", spec.wavelet_entropy);
  visit("alphas", spec.alphas);
  visit("scale_sampling", spec.scale_sampling);
  visit("scale_compare", spec.scale_compare);
  visit("window_sizes", spec.window_sizes);
  visit("nulls", spec.nulls);
  visit("stack", spec.stack);
  visit("position_embeddings", spec.position_embeddings);
}

absl::Status SetField(absl::string_view field, const json& value, Spec& spec) {
  absl::Status status = absl::OkStatus();
  bool found = false;
  std::string names;
  ForEachField(spec, [&](absl::string_view name, auto& member) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
    if (name != field) return;
    found = true;
    status = Read(field, value, member);
  });
  if (found) return status;
  return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
                   absl::StrCat("a spec has no field '", field.substr(0, 80), "'"),
                   absl::StrCat("its fields are ", names));
}

absl::StatusOr<json> ParseObject(absl::string_view text) {
  if (text.size() > kLargestSpecBytes) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
        absl::StrCat("the spec has ", text.size(), " bytes, more than ", kLargestSpecBytes));
  }
  int depth = 0;
  json value = json::parse(
      text.begin(), text.end(),
      [&depth](int at, json::parse_event_t, json&) {
        depth = std::max(depth, at);
        return at < 8;
      },
      /*allow_exceptions=*/false);
  if (depth >= 8 || !value.is_object()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
                     "the spec is not a JSON object",
                     "write it like {\"preset\": \"paper-table5\", \"tokens\": 128}");
  }
  return value;
}

}  // namespace

absl::StatusOr<Spec> ParseSpec(absl::string_view text) {
  absl::StatusOr<json> object = ParseObject(text);
  if (!object.ok()) return object.status();
  std::string base = PresetNames().front();
  if (auto preset = object->find("preset"); preset != object->end()) {
    if (absl::Status status = Read("preset", *preset, base); !status.ok()) return status;
  }
  absl::StatusOr<Spec> spec = PresetSpec(base);
  if (!spec.ok()) return spec.status();
  for (const auto& [field, value] : object->items()) {
    if (field == "preset") continue;
    if (absl::Status status = SetField(field, value, *spec); !status.ok()) return status;
  }
  if (absl::Status status = ValidateSpec(*spec); !status.ok()) return status;
  return spec;
}

absl::Status SetSpecField(absl::string_view field, absl::string_view value, Spec& spec) {
  json parsed = json::parse(value.begin(), value.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) parsed = std::string(value);
  return SetField(field, parsed, spec);
}

std::string SpecToJson(const Spec& spec) {
  ordered_json out;
  ForEachField(spec, [&](const char* name, const auto& member) { out[name] = Write(member); });
  return out.dump();
}

std::string SpecDigest(const Spec& spec) { return Sha256Of(SpecToJson(spec)); }

std::string ModelVariant(const Spec& spec) {
  return absl::StrCat("stack ", EnumToWord(spec.stack), ", position embeddings ",
                      EnumToWord(spec.position_embeddings));
}

std::string NumberInName(double value) { return absl::StrFormat("%.10g", value); }

}  // namespace ondelette
