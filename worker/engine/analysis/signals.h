// From attention to signals: what the spec looks at.
//
// Values here are float64: attention comes in float32, is exact in it, and what is subtracted from
// or divided by then loses nothing that the figures could see.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNALS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {

// Some signals of every head. A value: copies share the tensors.
struct SignalTile {
  int64_t first = 0;               // the first signal's index: its row, or its query - T
  at::Tensor values;               // [heads, signals, length] float64; zeros where empty. Undefined
                                   // where kernels made the levels
  at::Tensor filled;               // [heads, signals] bool: not empty
  std::vector<at::Tensor> levels;  // wavelet coefficients; {} until TransformOnce
  // The same of the signals less their means, where kernels made them.
  std::vector<at::Tensor> detrended_levels = {};

  int64_t count() const { return filled.size(1); }
};

// Fills tile.levels unless they are there.
void TransformOnce(const Wavelet& wavelet, SignalTile& tile);

// The rows of an attention tile [heads, queries, keys] that begins at `first_query`, as the matrix
// that a rows spec looks at: as they are, or without key 0 and query 0 and renormalised. May hold
// no row at all (the tile of query 0 without its sink).
SignalTile PrepareRows(int64_t first_query, const at::Tensor& attention, Sink sink);

// Windows x_i[d] = A[i, i-d], d = 0..window-1, of the queries i >= window of a tile: [heads,
// queries, window], a view or empty. `first_query` becomes the first of those queries.
at::Tensor RelativeWindows(int64_t& first_query, const at::Tensor& attention, int64_t window);

// Windows renormalised to sum 1.
SignalTile NormaliseWindows(int64_t first, const at::Tensor& windows);

// Mean over the rows that are not empty, summed tile by tile.
class ReceivedSums {
 public:
  void Add(const SignalTile& rows);
  // Rows as they are, float32 [heads, rows, up to `keys`], none of which is empty.
  void AddFilled(const at::Tensor& rows, int64_t keys);
  // One signal a head; empty where every row was.
  SignalTile Signal() const;

 private:
  void AddSums(const at::Tensor& sum, const at::Tensor& count);

  at::Tensor sum_;    // [heads, keys]
  at::Tensor count_;  // [heads]
};

// The signals of a matrix whose rows come tile by tile, for the signals rows, received and last.
class RowSignals {
 public:
  RowSignals(Signal kind, int64_t rows) : kind_(kind), rows_(rows) {}

  // The signals that these rows complete, if any.
  std::optional<SignalTile> Add(const SignalTile& rows);
  // Those that only the last row completes.
  std::optional<SignalTile> Finish() const;

 private:
  Signal kind_;
  int64_t rows_;  // of the matrix
  ReceivedSums received_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNALS_H_
