// The shortened sequence that a scale figure compares a sequence with: m = floor(alpha n) of its
// tokens (docs/metrics.md, scale_sampling).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SHORTENED_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SHORTENED_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/spec/spec.h"

namespace ondelette::engine {

// m = floor(alpha n), in double arithmetic.
int64_t ShortenedLength(double alpha, int64_t tokens);

// The seed of a sequence's own random choices, from its digest (any string).
uint64_t SequenceSeed(const std::string& digest);

// Tokens of the shortened sequence, in order: the first m; or token floor(k n / m) for k = 0..m-1;
// or m positions without replacement, sorted, drawn by SequenceSeed(digest). The draw depends on
// nothing but n, m and the digest, so it is the same on every machine.
std::vector<int32_t> ShortenedTokens(const Spec& spec, double alpha,
                                     std::span<const int32_t> tokens, const std::string& digest);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SHORTENED_H_
