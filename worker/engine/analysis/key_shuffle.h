// The control that keeps how sharp a row is and destroys where it looks: every row's keys permuted.
//
// A row's permutation depends on the row's index and on how many keys it may see, and on nothing
// else: not on head, layer, sequence, device or tile. A causal row permutes the keys up to its
// query; what lies above the diagonal stays.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_KEY_SHUFFLE_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_KEY_SHUFFLE_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <span>

namespace ondelette::engine {

// The permutations of rows first..first+count-1 of a matrix with `keys` keys: int32 [count, keys]
// on the CPU; the shuffled row is row[p[0]], row[p[1]], ...
at::Tensor KeyPermutations(int64_t first, int64_t count, int64_t keys, bool causal);

// The permutations of a whole matrix with `keys` rows and keys. Immutable, thread-safe.
class RowShuffle {
 public:
  // Holds them on the device as int32, up to kMostHeld bytes; larger matrices' are made anew for
  // every tile.
  RowShuffle(int64_t keys, bool causal, at::Device device);

  // The rows of a matrix from `first` on, [heads, rows, keys], each with its keys permuted.
  at::Tensor Apply(int64_t first, const at::Tensor& rows) const;
  // The permutations of `count` rows from `first` on, int32 [count, keys] on the device.
  at::Tensor Keys(int64_t first, int64_t count) const;

  static constexpr int64_t kMostHeld = 256 << 20;

 private:
  int64_t keys_;
  bool causal_;
  at::Device device_;
  at::Tensor held_;
};

// The same permutations for relative windows: only the `window` keys i, i-1, ..., i-window+1 of the
// shuffled row of a query i >= window are wanted. Immutable, thread-safe.
class WindowShuffle {
 public:
  WindowShuffle(int64_t keys, int64_t window, bool causal, at::Device device);

  // Attention of queries first.. (first >= window), [heads, queries, keys], to the windows of the
  // shuffled rows, [heads, queries, window].
  at::Tensor Apply(int64_t first, const at::Tensor& attention) const;
  // Which keys those are, int32 [count, window] on the device.
  at::Tensor Keys(int64_t first, int64_t count) const;

 private:
  int64_t window_;
  at::Tensor keys_;  // int32 [keys - window, window] on the device
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_KEY_SHUFFLE_H_
