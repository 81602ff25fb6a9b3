#include "worker/agent/corpus.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"

namespace ondelette::agent {
namespace {

constexpr size_t kPiece = 1 << 20;

absl::Status CannotRead(const std::string& path) {
  const int error = errno;
  return MakeError(error == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable,
                   "CORPUS_UNREADABLE",
                   absl::StrCat("cannot read the corpus ", path, ": ", std::strerror(error)),
                   "check the cache folder");
}

// Fills tokens from a JSON list, or says what is wrong with it.
std::string TakeTokens(const nlohmann::json& list, std::vector<int32_t>& tokens) {
  if (!list.is_array()) return "its field tokens is not a list";
  tokens.reserve(list.size());
  for (const nlohmann::json& token : list) {
    const bool fits =
        token.is_number_integer() && token >= 0 && token <= std::numeric_limits<int32_t>::max();
    if (!fits) {
      std::string fault = absl::StrCat("tokens[", tokens.size(), "] is not a token id");
      tokens.clear();
      return fault;
    }
    tokens.push_back(token.get<int32_t>());
  }
  return "";
}

CorpusSequence ParseLine(int64_t index, absl::string_view line) {
  CorpusSequence sequence;
  sequence.index = index;
  const nlohmann::json object =
      nlohmann::json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    sequence.fault = "its line is not a JSON object";
    return sequence;
  }
  if (auto id = object.find("id"); id != object.end() && id->is_string()) {
    sequence.id = id->get<std::string>();
  }
  auto text = object.find("text");
  auto tokens = object.find("tokens");
  if (tokens != object.end()) {
    sequence.fault = TakeTokens(*tokens, sequence.tokens);
  } else if (text != object.end() && text->is_string()) {
    sequence.text = text->get<std::string>();
  } else {
    sequence.fault = "it has neither text nor tokens";
  }
  return sequence;
}

}  // namespace

// Finds the lines of a file that comes in pieces. Blank lines are no sequences.
struct Corpus::LineFinder {
  Corpus* corpus;
  int64_t position = 0;
  int64_t line_start = 0;
  bool blank = true;

  void Take(absl::string_view bytes) {
    for (char c : bytes) {
      if (c == '\n') EndLine();
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') blank = false;
      ++position;
      if (c == '\n') line_start = position;
    }
  }
  void EndLine() {
    if (!blank) {
      corpus->starts_.push_back(line_start);
      corpus->ends_.push_back(position);
    }
    blank = true;
  }
};

absl::StatusOr<std::shared_ptr<const Corpus>> Corpus::Open(const std::string& path,
                                                           absl::string_view digest) {
  std::shared_ptr<Corpus> corpus(new Corpus());
  corpus->path_ = path;
  corpus->file_ = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (corpus->file_.get() < 0) return CannotRead(path);
  Sha256 hash;
  LineFinder lines{corpus.get()};
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t got = read(corpus->file_.get(), piece.data(), piece.size());
    if (got < 0) return CannotRead(path);
    if (got == 0) break;
    const absl::string_view bytes(piece.data(), static_cast<size_t>(got));
    hash.Update(bytes);
    lines.Take(bytes);
    if (corpus->sequences() > kMostSequences) break;
  }
  lines.EndLine();
  if (const std::string found = hash.Finish(); found != digest) {
    return MakeError(absl::StatusCode::kDataLoss, "CORPUS_CORRUPT",
                     absl::StrCat("the corpus ", path, " has digest ", found, ", not ", digest),
                     "remove the file: it will be fetched again");
  }
  return std::shared_ptr<const Corpus>(std::move(corpus));
}

absl::StatusOr<std::vector<CorpusSequence>> Corpus::Read(int64_t first, int64_t count) const {
  if (first < 0 || count < 1 || first > sequences() || count > sequences() - first) {
    return MakeError(absl::StatusCode::kOutOfRange, "CORPUS_RANGE",
                     absl::StrCat(count, " sequences from ", first,
                                  " on were asked for, the corpus has ", sequences()),
                     "submit the sweep again");
  }
  std::vector<CorpusSequence> result;
  std::string line;
  for (int64_t index = first; index < first + count; ++index) {
    const auto at = static_cast<size_t>(index);
    const int64_t bytes = ends_[at] - starts_[at];
    if (bytes > kLargestLine) {
      CorpusSequence& sequence = result.emplace_back();
      sequence.index = index;
      sequence.fault =
          absl::StrCat("its line has ", bytes, " bytes, ", kLargestLine, " are allowed");
      continue;
    }
    line.resize(static_cast<size_t>(bytes));
    for (size_t have = 0; have < line.size();) {
      const ssize_t got = pread(file_.get(), line.data() + have, line.size() - have,
                                starts_[at] + static_cast<int64_t>(have));
      if (got <= 0) return CannotRead(path_);
      have += static_cast<size_t>(got);
    }
    result.push_back(ParseLine(index, {line.data(), line.size()}));
  }
  return result;
}

}  // namespace ondelette::agent
