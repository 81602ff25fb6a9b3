// Signals side by side: number t of sixteen of them lies together, so that every step of a kernel
// is a plain loop over t, whatever the length, and every signal is a lane of it.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_BLOCK_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_BLOCK_H_

#include <cstdint>

namespace ondelette::engine {

inline constexpr int64_t kLaneCount = 16;

// Attention of up to sixteen consecutive queries of one head.
struct LaneBlock {
  int64_t head;
  int64_t first_query;
  int64_t queries;  // 1 to kLaneCount; the lanes behind them hold zeros
  int64_t keys;     // n
  // Keys first_seen..end_seen-1 are those that some query sees: all others' numbers are zero.
  int64_t first_seen, end_seen;
  const float* values;  // [keys][kLaneCount], aligned to 64 bytes
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANE_BLOCK_H_
