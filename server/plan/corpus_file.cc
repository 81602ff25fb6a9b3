#include "server/plan/corpus_file.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

using nlohmann::json;

// A line needs two levels; a hostile one of a million brackets must not use up the stack.
constexpr int kDeepest = 3;

absl::Status Invalid(int64_t line, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CORPUS_INVALID",
                   absl::StrCat("corpus line ", line, ": ", problem),
                   "every line is {\"id\": \"...\", \"text\": \"...\"} or "
                   "{\"id\": \"...\", \"tokens\": [int, ...]}");
}

// False where the brackets outside strings nest deeper than any line of a corpus does.
bool ShallowEnough(absl::string_view line) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if ((c == '[' || c == '{') && ++depth > kDeepest) {
      return false;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return true;
}

absl::Status CheckTokens(int64_t line, const json& tokens) {
  if (!tokens.is_array() || tokens.empty()) {
    return Invalid(line, "'tokens' is not a list of at least one number");
  }
  for (const json& token : tokens) {
    if (!token.is_number_unsigned() ||
        token.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
      return Invalid(line, "'tokens' holds something that is no whole number from 0 to 2147483647");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadLine(int64_t number, absl::string_view line, std::unordered_set<std::string>& seen,
                      CorpusContents& contents) {
  if (line.size() > kLongestCorpusLine) {
    return Invalid(number, absl::StrCat(line.size(), " bytes are more than ", kLongestCorpusLine));
  }
  // The parser would take a NUL for the end of the line and not look at what follows.
  if (line.find('\0') != absl::string_view::npos) return Invalid(number, "it holds a NUL byte");
  if (!ShallowEnough(line)) return Invalid(number, "it nests too deep");
  const json object = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Invalid(number, "it is no JSON object in UTF-8");
  for (const auto& item : object.items()) {
    if (item.key() != "id" && item.key() != "text" && item.key() != "tokens") {
      return Invalid(number, absl::StrCat("unknown field '", item.key().substr(0, 80), "'"));
    }
  }
  const auto id = object.find("id");
  if (id == object.end() || !id->is_string() || id->get_ref<const std::string&>().empty() ||
      id->get_ref<const std::string&>().size() > kLongestSequenceId) {
    return Invalid(number, absl::StrCat("'id' is not text of 1 to ", kLongestSequenceId, " bytes"));
  }
  const std::string& name = id->get_ref<const std::string&>();
  if (!seen.insert(name).second) {
    return Invalid(number, absl::StrCat("the id '", name, "' stands on an earlier line already"));
  }
  const auto text = object.find("text");
  const auto tokens = object.find("tokens");
  if ((text == object.end()) == (tokens == object.end())) {
    return Invalid(number, "it needs either 'text' or 'tokens'");
  }
  if (text != object.end()) {
    if (!text->is_string()) return Invalid(number, "'text' is no text");
    contents.tokenized = false;
  } else if (absl::Status status = CheckTokens(number, *tokens); !status.ok()) {
    return status;
  }
  contents.ids.push_back(name);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CorpusContents> ParseCorpus(absl::string_view bytes) {
  CorpusContents contents;
  std::unordered_set<std::string> seen;
  for (int64_t number = 1; !bytes.empty(); ++number) {
    const size_t end = bytes.find('\n');
    if (absl::Status status = ReadLine(number, bytes.substr(0, end), seen, contents); !status.ok())
      return status;
    bytes.remove_prefix(end == absl::string_view::npos ? bytes.size() : end + 1);
  }
  if (contents.ids.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CORPUS_EMPTY",
                     "the corpus holds no sequence", "upload a file with at least one line");
  }
  return contents;
}

}  // namespace ondelette::server
