#include "worker/engine/program/sequence.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

constexpr size_t kLongestLine = 16u << 20;

// Reads to the end of the line; what exceeds the longest line is passed over. False at the end of
// the file.
bool ReadLine(std::streambuf& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (int letter = in.sbumpc(); letter != '\n'; letter = in.sbumpc()) {
    if (letter == std::char_traits<char>::eof()) return !line.empty();
    if (line.size() < kLongestLine) {
      line.push_back(static_cast<char>(letter));
    } else {
      too_long = true;
    }
  }
  return true;
}

std::string OutsideVocabulary(const std::string& token, size_t at, int64_t vocabulary) {
  return absl::StrCat("token ", at, " is ", token, ": ids are 0 to ", vocabulary - 1);
}

// Reads the tokens, all of them: one bad id anywhere spoils the sequence. Returns the problem or
// "".
std::string ReadTokens(const json& list, int64_t vocabulary, std::vector<int32_t>& tokens) {
  if (!list.is_array()) return "its field 'tokens' is not a list";
  tokens.reserve(list.size());
  for (const json& token : list) {
    const bool whole = token.is_number_integer();
    const bool huge = token.is_number_unsigned() && token.get<uint64_t>() > INT32_MAX;
    const int64_t id = whole && !huge ? token.get<int64_t>() : -1;
    if (id < 0 || id >= vocabulary) {
      std::string shown = token.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 40);
      return OutsideVocabulary(shown, tokens.size(), vocabulary);
    }
    tokens.push_back(static_cast<int32_t>(id));
  }
  return "";
}

// Reads one line. Returns the problem or "".
std::string ParseSequence(const std::string& line, int64_t vocabulary, Sequence& sequence) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return "it is not a JSON object";
  auto id = object.find("id");
  if (id == object.end()) return "it has no field 'id'";
  if (!id->is_string() || id->get_ref<const std::string&>().empty()) {
    return "its field 'id' is not a string, or is empty";
  }
  sequence.id = id->get<std::string>();
  auto tokens = object.find("tokens");
  if (tokens == object.end()) return "it has no field 'tokens'";
  return ReadTokens(*tokens, vocabulary, sequence.tokens);
}

}  // namespace

std::string SequenceProblem(std::span<const int32_t> tokens, int64_t vocabulary, int64_t needed) {
  const auto count = static_cast<int64_t>(tokens.size());
  if (count < needed) {
    return absl::StrCat("it has ", count, " tokens, and the spec needs ", needed);
  }
  for (size_t at = 0; at < tokens.size(); ++at) {
    if (tokens[at] < 0 || tokens[at] >= vocabulary) {
      return OutsideVocabulary(absl::StrCat(tokens[at]), at, vocabulary);
    }
  }
  return "";
}

absl::StatusOr<std::vector<Sequence>> ReadSequences(
    const std::string& path, int64_t vocabulary, int64_t needed,
    absl::FunctionRef<void(const std::string& sequence, const std::string& reason)> skipped) {
  std::ifstream file(path, std::ios::binary);
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    return MakeError(absl::StatusCode::kNotFound, "TOKENS_UNREADABLE",
                     absl::StrCat(path, ": there are no sequences to read"),
                     "give a file of lines {\"id\": \"...\", \"tokens\": [..]}");
  }
  std::vector<Sequence> sequences;
  std::map<std::string, int64_t> lines;  // by id
  std::string line;
  bool too_long = false;
  for (int64_t number = 1; ReadLine(*file.rdbuf(), line, too_long); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Sequence sequence;
    std::string problem = too_long
                              ? absl::StrCat("the line is longer than ", kLongestLine, " bytes")
                              : ParseSequence(line, vocabulary, sequence);
    const std::string name = sequence.id.empty() ? absl::StrCat("line ", number) : sequence.id;
    if (!sequence.id.empty()) {
      auto [first, added] = lines.emplace(sequence.id, number);
      if (!added) {
        return MakeError(absl::StatusCode::kInvalidArgument, "TOKENS_DUPLICATE",
                         absl::StrCat(path, ": lines ", first->second, " and ", number,
                                      " have the same id '", sequence.id, "'"),
                         "give every sequence an id of its own");
      }
    }
    if (problem.empty()) problem = SequenceProblem(sequence.tokens, vocabulary, needed);
    if (!problem.empty()) {
      skipped(name, problem);
      continue;
    }
    sequence.tokens.resize(static_cast<size_t>(needed));
    sequence.tokens.shrink_to_fit();
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

}  // namespace ondelette::engine
