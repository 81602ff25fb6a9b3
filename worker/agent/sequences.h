// From a corpus' sequences to the token ids that are measured.
#ifndef ONDELETTE_WORKER_AGENT_SEQUENCES_H_
#define ONDELETTE_WORKER_AGENT_SEQUENCES_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/tokenizer/tokenizer.h"
#include "worker/agent/corpus.h"
#include "worker/agent/job.h"
#include "worker/hub/model_source.h"

namespace ondelette::agent {

// The tokenizer last used, by the digests of its files and of config.json: all checkpoints of a model
// share one. One thread at a time.
class TokenizerCache {
 public:
  // Errors are LoadTokenizer's.
  absl::StatusOr<std::shared_ptr<const Tokenizer>> Get(const ResolvedCheckpoint& checkpoint);

 private:
  std::string files_;  // a line for each: digest and name
  std::shared_ptr<const Tokenizer> tokenizer_;
};

struct SequenceSet {
  std::vector<PreparedSequence> measured;
  std::vector<v1::SkippedSequence> skipped;
};

// Tokenizes what is text, cuts everything to `tokens`, and skips with a reason what is shorter or
// faulty. The checkpoint's tokenizer is only needed where there is text; an error is the
// tokenizer's, SEQUENCES_TOO_SHORT or SEQUENCES_UNUSABLE where nothing is left to measure (it names
// how many and the first), or CANCELLED.
absl::StatusOr<SequenceSet> PrepareSequences(const std::vector<CorpusSequence>& sequences,
                                             int tokens, const ResolvedCheckpoint& checkpoint,
                                             TokenizerCache& tokenizers,
                                             const std::atomic<bool>& cancelled);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_SEQUENCES_H_
