// From attention to signals: what the spec looks at.
//
// Values here are float64: attention comes in float32, is exact in it, and what is subtracted from
// or divided by then loses nothing that the figures could see. On the CPU, rows and windows are not
// copied at all: a tile says where they lie, and the kernels of lanes/ read them there.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNALS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/lane_wavelets.h"
#include "worker/engine/analysis/lanes/spectral_kernel.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {

// Signals that lie in an attention tile's memory, which `attention` keeps.
struct SignalPlaces {
  at::Tensor attention;
  std::vector<SignalSource> sources;  // heads x signals, head by head
  int64_t heads = 0;
  int64_t length = 0;         // of a signal
  bool renormalised = false;  // each is divided by its sum; empty where that is too small
  bool within_scale = false;  // which wavelet entropy their totals have
};

// Some signals of every head, as values or as places. A value: copies share the tensors.
struct SignalTile {
  int64_t first = 0;  // the first signal's index: its row, or its query - T
  at::Tensor values;  // [heads, signals, length] float64; zeros where empty. Undefined: see places
  at::Tensor filled;  // [heads, signals] bool: not empty; of places undefined until TransformOnce
  std::vector<at::Tensor> levels;  // wavelet coefficients; {} until TransformOnce
  SignalPlaces places = {};
  WaveletTotals totals = {};  // of places: since TransformOnce

  bool placed() const { return !values.defined(); }
  int64_t heads() const { return placed() ? places.heads : values.size(0); }
  int64_t count() const {
    return placed() ? static_cast<int64_t>(places.sources.size()) / places.heads : values.size(1);
  }
};

// Fills tile.levels, and of places `filled` and, if wanted, `totals`, unless they are there.
void TransformOnce(const Wavelet& wavelet, SignalTile& tile, bool with_totals = true);

// Coefficients and `filled` of the tile's first `count` signals less their mean.
LaneTransform TransformDetrended(const Wavelet& wavelet, const SignalTile& tile, int64_t count);

// The rows of an attention tile on the CPU, as PrepareRows has them, as places.
SignalTile PlaceRows(int64_t first_query, const at::Tensor& attention, Sink sink,
                     WaveletEntropy entropy);

// The windows of an attention tile on the CPU, as places; may hold none.
SignalTile PlaceWindows(int64_t first_query, const at::Tensor& attention, int64_t window,
                        WaveletEntropy entropy);

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
  // One signal a head; empty where every row was.
  SignalTile Signal() const;

 private:
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
