// Reading a tokenizer's files without trusting them: a value that knows where in the file it lies, and
// that remembers the first thing found wrong.
#ifndef ONDELETTE_COMMON_TOKENIZER_JSON_FIELD_H_
#define ONDELETTE_COMMON_TOKENIZER_JSON_FIELD_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// Token ids at or above this are refused: no vocabulary comes near, and tables are sized by ids.
inline constexpr int64_t kMaxTokenId = int64_t{1} << 24;

// The bytes of a file of at most `max_bytes`. NOT_FOUND (TOKENIZER_MISSING) where there is none.
absl::StatusOr<std::string> ReadTokenizerFile(const std::string& path, size_t max_bytes);

// INVALID_ARGUMENT (TOKENIZER_INVALID) "WHERE: what".
absl::Status InvalidTokenizer(absl::string_view where, absl::string_view what);

// Reads and parses a JSON file of at most `max_bytes`, nested at most 32 deep. Never throws.
absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path, size_t max_bytes);

// One value of the file and its path ("DIR/tokenizer.json: model.vocab"). A Field of a member that
// is missing is null. The typed readers return a harmless value and record an error in the status
// that all fields of one file share; the first error stays. Borrows the JSON and the status.
class Field {
 public:
  Field(const nlohmann::json& value, std::string where, absl::Status* error);

  // The member `name` of an object; null where missing. Records an error on a value that is
  // neither an object nor null.
  Field operator[](const std::string& name) const;
  // The elements of an array; records an error on anything else. The fields are numbered from 0.
  std::vector<Field> Elements() const;

  bool IsNull() const { return value_.is_null(); }
  bool IsString() const { return value_.is_string(); }
  bool Bool(bool fallback) const;     // null gives `fallback`
  const std::string& String() const;  // required
  int32_t TokenId() const;            // required, within [0, kMaxTokenId)
  double Number() const;              // required
  const nlohmann::json& Value() const { return value_; }
  const std::string& Where() const { return where_; }

  // Records INVALID_ARGUMENT "WHERE: what".
  void Invalid(absl::string_view what) const;
  // Records UNIMPLEMENTED "WHERE: what is not supported".
  void Unsupported(absl::string_view what) const;
  // Whether nothing has gone wrong in this file so far.
  bool Ok() const { return error_->ok(); }

 private:
  const nlohmann::json& value_;
  std::string where_;
  absl::Status* error_;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_JSON_FIELD_H_
