#include "worker/agent/sequences.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/agent/utf8.h"

namespace ondelette::agent {
namespace {

// Bytes of an id in a message: corpora choose their ids freely.
constexpr size_t kLongestName = 80;

std::string Name(const CorpusSequence& sequence) {
  return absl::StrCat("sequence ", sequence.index, " (",
                      ToUtf8({sequence.id.data(), sequence.id.size()}, kLongestName), ")");
}

// Why a sequence is not measured.
struct Refusal {
  std::string reason;
  bool too_short = false;
};

absl::Status NothingToMeasure(const std::vector<Refusal>& refusals) {
  const bool too_short = refusals.front().too_short;
  return MakeError(
      absl::StatusCode::kInvalidArgument, too_short ? "SEQUENCES_TOO_SHORT" : "SEQUENCES_UNUSABLE",
      absl::StrCat("none of the job's ", refusals.size(),
                   " sequences can be measured; the first: ", refusals.front().reason),
      too_short ? "use longer sequences or a spec with fewer tokens" : "correct the corpus");
}

// Everything that LoadTokenizer may read; empty where the checkpoint has no tokenizer.
std::string TokenizerFiles(const ResolvedCheckpoint& checkpoint) {
  std::string key;
  std::string config;
  for (const CheckpointFile& file : checkpoint.files) {
    std::string& lines = file.kind == FileKind::kTokenizer ? key : config;
    if (file.kind != FileKind::kWeights)
      absl::StrAppend(&lines, file.sha256, "  ", file.name, "\n");
  }
  return key.empty() ? key : absl::StrCat(key, config);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerCache::Get(
    const ResolvedCheckpoint& checkpoint) {
  std::string files = TokenizerFiles(checkpoint);
  if (!files.empty() && files == files_) return tokenizer_;
  absl::StatusOr<std::unique_ptr<Tokenizer>> loaded = LoadTokenizer(checkpoint.folder);
  if (!loaded.ok()) return loaded.status();
  tokenizer_ = *std::move(loaded);
  files_ = std::move(files);
  return tokenizer_;
}

absl::StatusOr<SequenceSet> PrepareSequences(const std::vector<CorpusSequence>& sequences,
                                             int tokens, const ResolvedCheckpoint& checkpoint,
                                             TokenizerCache& tokenizers,
                                             const std::atomic<bool>& cancelled) {
  SequenceSet set;
  std::vector<Refusal> refusals;
  std::shared_ptr<const Tokenizer> tokenizer;
  for (const CorpusSequence& sequence : sequences) {
    if (cancelled) return absl::CancelledError("the job is not wanted any more");
    absl::StatusOr<std::vector<int32_t>> ids = sequence.tokens;
    if (!sequence.fault.empty()) {
      ids = absl::InvalidArgumentError(sequence.fault);
    } else if (sequence.text.has_value()) {
      if (tokenizer == nullptr) {
        absl::StatusOr<std::shared_ptr<const Tokenizer>> found = tokenizers.Get(checkpoint);
        if (!found.ok()) return found.status();
        tokenizer = *std::move(found);
      }
      ids = tokenizer->Encode({sequence.text->data(), sequence.text->size()});
    }
    Refusal refusal;
    if (!ids.ok()) {
      refusal.reason = absl::StrCat(Name(sequence), ": ", ids.status().message());
    } else if (ids->size() < static_cast<size_t>(tokens)) {
      refusal.too_short = true;
      refusal.reason =
          absl::StrCat(Name(sequence), " has ", ids->size(), " tokens, the spec needs ", tokens);
    } else {
      ids->resize(static_cast<size_t>(tokens));
      set.measured.push_back({sequence.index, *std::move(ids)});
      continue;
    }
    v1::SkippedSequence& skipped = set.skipped.emplace_back();
    skipped.set_sequence(sequence.index);
    skipped.set_reason(ToUtf8({refusal.reason.data(), refusal.reason.size()}, kLongestReason));
    refusals.push_back(std::move(refusal));
  }
  if (set.measured.empty()) return NothingToMeasure(refusals);
  return set;
}

}  // namespace ondelette::agent
