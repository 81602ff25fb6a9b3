// Sequences of token ids, and the file `analyze` reads them from.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_SEQUENCE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_SEQUENCE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace ondelette::engine {

struct Sequence {
  std::string id;
  std::vector<int32_t> tokens;
};

// Why a sequence cannot be measured, or "" where it can: it is shorter than the spec's tokens, or
// an id lies outside the vocabulary.
std::string SequenceProblem(std::span<const int32_t> tokens, int64_t vocabulary, int64_t needed);

// Reads lines of {"id": "...", "tokens": [int, ...]} and cuts each sequence to `needed` tokens.
// Blank lines are passed over. A sequence that cannot be measured (also: a line that is not such an
// object) goes to `skipped`, named by its id or line, with the reason; the others are returned in
// order. NOT_FOUND TOKENS_UNREADABLE where the file cannot be read, INVALID_ARGUMENT
// TOKENS_DUPLICATE (file and lines) where an id stands twice. A line has at most 16 MiB, so that
// memory is bounded.
absl::StatusOr<std::vector<Sequence>> ReadSequences(
    const std::string& path, int64_t vocabulary, int64_t needed,
    absl::FunctionRef<void(const std::string& sequence, const std::string& reason)> skipped);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_SEQUENCE_H_
