// A corpus on this machine: a file of JSON lines whose SHA-256 is its name.
#ifndef ONDELETTE_WORKER_AGENT_CORPUS_H_
#define ONDELETTE_WORKER_AGENT_CORPUS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/agent/engine_process.h"

namespace ondelette::agent {

// One line of a corpus. What is wrong with it is known here and told where it is used: one bad
// line costs one sequence.
struct CorpusSequence {
  int64_t index = 0;
  std::string id;
  std::optional<std::string> text;  // either text
  std::vector<int32_t> tokens;      // or token ids
  std::string fault;                // or why it is neither
};

// An open corpus. Immutable and thread-safe; it stays readable after its file is removed.
class Corpus {
 public:
  static constexpr int64_t kLargestLine = 64 << 20;  // bytes
  static constexpr int64_t kMostSequences = 100'000'000;

  // Reads the whole file once: computes its digest and finds its lines. DATA_LOSS CORPUS_CORRUPT
  // where the digest is not `digest`; NOT_FOUND where there is no such file; UNAVAILABLE where it
  // cannot be read.
  static absl::StatusOr<std::shared_ptr<const Corpus>> Open(const std::string& path,
                                                            absl::string_view digest);

  int64_t sequences() const { return static_cast<int64_t>(starts_.size()); }

  // Sequences [first, first + count). OUT_OF_RANGE where the corpus has fewer.
  absl::StatusOr<std::vector<CorpusSequence>> Read(int64_t first, int64_t count) const;

 private:
  struct LineFinder;

  Corpus() = default;

  std::string path_;
  FileDescriptor file_;
  std::vector<int64_t> starts_;  // of lines that are not blank
  std::vector<int64_t> ends_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_CORPUS_H_
