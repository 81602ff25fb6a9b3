#include "common/tokenizer/json_field.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::tokenizer {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxElements = size_t{1} << 20;  // Gemma has 580,000 merges
constexpr absl::string_view kFetchAgain = "fetch the model's tokenizer files again";

const nlohmann::json& NullJson() {
  static const nlohmann::json* const null = new nlohmann::json(nullptr);
  return *null;
}

}  // namespace

absl::Status InvalidTokenizer(absl::string_view where, absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                   absl::StrCat(where, ": ", what), kFetchAgain);
}

absl::StatusOr<std::string> ReadTokenizerFile(const std::string& path, size_t max_bytes) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return MakeError(absl::StatusCode::kNotFound, "TOKENIZER_MISSING",
                     absl::StrCat("cannot open ", path, ": ", std::strerror(errno)),
                     "put the model's tokenizer.json beside its weights, or submit the corpus as "
                     "token ids");
  }
  if (!S_ISREG(info.st_mode)) return InvalidTokenizer(path, "is not a regular file");
  if (static_cast<size_t>(info.st_size) > max_bytes) {
    return InvalidTokenizer(path, absl::StrCat("has ", info.st_size, " bytes, more than the ",
                                               max_bytes, " that a tokenizer may have"));
  }
  std::string content(static_cast<size_t>(info.st_size), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file || file.gcount() != info.st_size) {
    return absl::UnavailableError(absl::StrCat("cannot read ", path));
  }
  return content;
}

absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path, size_t max_bytes) {
  absl::StatusOr<std::string> content = ReadTokenizerFile(path, max_bytes);
  if (!content.ok()) return content.status();
  bool too_deep = false;
  // Values below the limit are dropped as they are read, so nesting cannot use up memory or stack.
  auto keep = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  nlohmann::json json = nlohmann::json::parse(*content, keep, /*allow_exceptions=*/false);
  if (too_deep) return InvalidTokenizer(path, absl::StrCat("is nested deeper than ", kMaxDepth));
  if (json.is_discarded()) return InvalidTokenizer(path, "is not JSON in UTF-8");
  if (!json.is_object()) return InvalidTokenizer(path, "is not a JSON object");
  return json;
}

Field::Field(const nlohmann::json& value, std::string where, absl::Status* error)
    : value_(value), where_(std::move(where)), error_(error) {}

Field Field::operator[](const std::string& name) const {
  std::string where =
      absl::StrCat(where_, where_.find(": ") == std::string::npos ? ": " : ".", name);
  if (value_.is_object()) {
    auto found = value_.find(name);
    if (found != value_.end()) return Field(*found, std::move(where), error_);
  } else if (!value_.is_null()) {
    Invalid("is not an object");
  }
  return Field(NullJson(), std::move(where), error_);
}

std::vector<Field> Field::Elements() const {
  std::vector<Field> elements;
  if (!value_.is_array()) {
    Invalid(IsNull() ? "is missing" : "is not a list");
    return elements;
  }
  if (value_.size() > kMaxElements) {
    Invalid(absl::StrCat("has more than ", kMaxElements, " elements"));
    return elements;
  }
  elements.reserve(value_.size());
  for (const nlohmann::json& element : value_) {
    elements.emplace_back(element, absl::StrCat(where_, "[", elements.size(), "]"), error_);
  }
  return elements;
}

bool Field::Bool(bool fallback) const {
  if (IsNull()) return fallback;
  if (value_.is_boolean()) return value_.get<bool>();
  Invalid("is neither true nor false");
  return fallback;
}

const std::string& Field::String() const {
  static const std::string* const empty = new std::string();
  if (value_.is_string()) return value_.get_ref<const std::string&>();
  Invalid(IsNull() ? "is missing" : "is not a string");
  return *empty;
}

int32_t Field::TokenId() const {
  // A number above int64's range wraps to a negative one.
  if (value_.is_number_integer()) {
    auto id = value_.get<int64_t>();
    if (id >= 0 && id < kMaxTokenId) return static_cast<int32_t>(id);
  }
  Invalid(absl::StrCat("is not a token id: a whole number from 0 to ", kMaxTokenId - 1));
  return 0;
}

double Field::Number() const {
  if (value_.is_number()) return value_.get<double>();
  Invalid(IsNull() ? "is missing" : "is not a number");
  return 0;
}

void Field::Invalid(absl::string_view what) const {
  if (error_->ok()) *error_ = InvalidTokenizer(where_, what);
}

void Field::Unsupported(absl::string_view what) const {
  if (!error_->ok()) return;
  *error_ = MakeError(absl::StatusCode::kUnimplemented, "TOKENIZER_UNSUPPORTED",
                      absl::StrCat(where_, ": ", what, " is not supported"),
                      "tokenize the corpus elsewhere and submit it as token ids");
}

}  // namespace ondelette::tokenizer
