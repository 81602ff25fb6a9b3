// JSON out of files nobody has checked: bounded in size and depth, no key twice.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_JSON_TEXT_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_JSON_TEXT_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// A configuration nests four levels at most; a parsed tree takes up to some 20 times its text.
inline constexpr int kMaxJsonDepth = 16;

// DATA_LOSS CHECKPOINT_CORRUPT, naming `what` of `file`, where the text is not one JSON object, is
// not UTF-8, nests deeper than kMaxJsonDepth, or has an object with the same key twice.
absl::StatusOr<nlohmann::json> ParseJsonObject(absl::string_view text, absl::string_view file,
                                               absl::string_view what);

// The same from a file of at most `max_bytes`.
absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& path, size_t max_bytes);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_JSON_TEXT_H_
