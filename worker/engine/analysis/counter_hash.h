// Random numbers by counter: value k of a stream is a function of the stream's key and k alone, so
// that a draw is the same on every machine and does not depend on what was drawn before.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_COUNTER_HASH_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_COUNTER_HASH_H_

#include <cstdint>

#include "absl/numeric/int128.h"

namespace ondelette::engine {

// SplitMix64's output function (Steele, Lea and Flood, 2014): every input bit moves every output
// bit.
inline uint64_t MixBits(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

// Value `counter` of the stream `key`.
inline uint64_t CounterHash(uint64_t key, uint64_t counter) {
  return MixBits(key + (counter + 1) * 0x9e3779b97f4a7c15ULL);
}

// The same, brought down to 0..bound-1 (bias below bound / 2^64).
inline uint64_t CounterHashBelow(uint64_t key, uint64_t counter, uint64_t bound) {
  return absl::Uint128High64(absl::uint128(CounterHash(key, counter)) * bound);
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_COUNTER_HASH_H_
