// The permutations of key_shuffle.h as lane kernels read them: sixteen queries' side by side.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SHUFFLE_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SHUFFLE_H_

#include <cstdint>
#include <vector>

namespace ondelette::engine {

// Of the rows of a matrix with `keys` rows and keys. Immutable, thread-safe.
class RowLaneShuffle {
 public:
  // Larger ones, of more than 256 MiB or 65,536 keys, are not held.
  static bool Serves(int64_t keys, bool causal);

  // Lane 0 of block 0 is row `first_row`: 0, or -1 where the matrix is without query 0.
  RowLaneShuffle(int64_t keys, int64_t first_row, bool causal);

  // Of the block's rows: number t of the shuffled row is row[p[t][lane]], t < count; behind that
  // every row stays as it is. Rows that do not exist stay as well.
  struct Keys {
    const uint16_t* permutations;  // [count][kLaneCount]
    int64_t count;
  };
  Keys Of(int64_t block) const;

 private:
  std::vector<uint16_t> permutations_;
  std::vector<int64_t> begins_;  // of each block, in rows of lanes; one more at the end
};

// Of windows: which key of the row stands at distance d in the shuffled row of a query >= window.
// Immutable, thread-safe.
class WindowLaneShuffle {
 public:
  WindowLaneShuffle(int64_t keys, int64_t window, bool causal);

  // [window][kLaneCount], for the block's queries; key 0 for those that have no window.
  const int32_t* Of(int64_t block) const;

 private:
  int64_t window_;
  std::vector<int32_t> keys_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANE_SHUFFLE_H_
