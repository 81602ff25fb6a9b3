#include "worker/engine/analysis/shortened.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/digest/digest.h"
#include "worker/engine/analysis/counter_hash.h"

namespace ondelette::engine {
namespace {

// `count` of 0..total-1 without replacement, rising: the first steps of a Fisher-Yates shuffle.
std::vector<int64_t> RandomPositions(int64_t total, int64_t count, uint64_t seed) {
  std::vector<int64_t> positions(total);
  std::iota(positions.begin(), positions.end(), 0);
  for (int64_t k = 0; k < count; ++k) {
    std::swap(positions[k], positions[k + CounterHashBelow(seed, k, total - k)]);
  }
  positions.resize(count);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace

int64_t ShortenedLength(double alpha, int64_t tokens) {
  return static_cast<int64_t>(std::floor(alpha * static_cast<double>(tokens)));
}

uint64_t SequenceSeed(const std::string& digest) {
  // Hashed again, so that any string will do and every bit of it counts.
  return std::stoull(Sha256Of(digest).substr(0, 16), nullptr, 16);
}

std::vector<int32_t> ShortenedTokens(const Spec& spec, double alpha,
                                     std::span<const int32_t> tokens, const std::string& digest) {
  auto total = static_cast<int64_t>(tokens.size());
  int64_t count = std::clamp<int64_t>(ShortenedLength(alpha, total), 0, total);
  std::vector<int64_t> positions(count);
  switch (spec.scale_sampling) {
    case ScaleSampling::kPrefix:
      std::iota(positions.begin(), positions.end(), 0);
      break;
    case ScaleSampling::kStride:
      for (int64_t k = 0; k < count; ++k) positions[k] = k * total / count;
      break;
    case ScaleSampling::kRandom:
      positions = RandomPositions(total, count, SequenceSeed(digest));
      break;
  }
  std::vector<int32_t> shortened;
  shortened.reserve(count);
  for (int64_t position : positions) shortened.push_back(tokens[position]);
  return shortened;
}

}  // namespace ondelette::engine
