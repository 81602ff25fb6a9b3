// Reads a corpus: JSON lines, {"id": "...", "text": "..."} or {"id": "...", "tokens": [int, ...]}.
// Bounded in everything: line, total and nesting.
#ifndef ONDELETTE_SERVER_PLAN_CORPUS_FILE_H_
#define ONDELETTE_SERVER_PLAN_CORPUS_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::server {

inline constexpr size_t kMostCorpusBytes = 256 << 20;
inline constexpr size_t kLongestCorpusLine = 16 << 20;
inline constexpr size_t kLongestSequenceId = 256;

struct CorpusContents {
  std::vector<std::string> ids;  // of the sequences, in order
  bool tokenized = true;         // every line holds tokens
};

// INVALID_ARGUMENT CORPUS_INVALID names the first faulty line (from 1); INVALID_ARGUMENT
// CORPUS_EMPTY where there is no line. Lines of white space only are faults: a line is a sequence.
// The last line need not end in a newline.
absl::StatusOr<CorpusContents> ParseCorpus(absl::string_view bytes);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_PLAN_CORPUS_FILE_H_
