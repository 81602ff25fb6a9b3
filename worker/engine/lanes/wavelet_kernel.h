// The wavelet transform of sixteen signals at once, on the CPU, and the figures made from it
// (analysis/wavelet.h has the equations).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_WAVELET_KERNEL_H_
#define ONDELETTE_WORKER_ENGINE_LANES_WAVELET_KERNEL_H_

#include <cstdint>

#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/transforms/wavelet_table.h"

namespace ondelette::engine {

// Squared norms of signals and of what is left of them after the transform and its inverse.
struct ReconstructionTotals {
  double energy[kLaneCount] = {};
  double error[kLaneCount] = {};
};

// Of two vectors u and v.
struct Products {
  double uu = 0, uv = 0, vv = 0;
};

// Numbers of scratch memory, aligned to 64 bytes, that a block needs: signals, continued samples, an
// approximation, and, last, the coefficients.
int64_t WaveletScratch(const WaveletTable& table);

namespace lane_kernels {

// Transforms (x[t] scale - mean), t < table.length, in float32. The high-pass filter is taken as
// second differences, so that what is constant or linear has no detail at all: with plain products
// rounding would leave some. Returns the coefficients, finest detail first, the approximation last,
// [coefficients][kLaneCount], in scratch.
//
// `seen`: what is transformed is zero in every lane from there on (a causal row's future), and so are
// coefficients that see nothing else: they are set, not computed. table.length where nothing is known.
using TransformWavelets = const float*(const WaveletTable& table, const float* x,
                                       const float* scale, const float* mean, int64_t seen,
                                       float* scratch);

// The following take coefficients as TransformWavelets leaves them; those that take `seen`, with the
// same one.

// Adds each filled signal's share of energy in each level and, unless `entropy` is nullptr, each
// level's entropy -sum q ln q, q = c^2 / (sum c^2 + 1e-10) if `within_scale`, else c^2. Both are
// [levels][kLaneCount]; level 0 is cA_L, then cD_L, ..., cD_1.
using AddWaveletFigures = void(const WaveletTable& table, const float* coefficients,
                               const float* filled, int64_t seen, bool within_scale,
                               double* energy_share, double* entropy);

// Inverts what is still in scratch, and compares it with the signals there.
using AddReconstruction = void(const WaveletTable& table, const float* filled, int64_t seen,
                               float* scratch, ReconstructionTotals& totals);

// Copies one level's coefficients c [count][kLaneCount] of lanes first..end-1 to out, row by row,
// as far as there is room for.
using StoreRows = void(const float* c, int64_t count, int64_t first, int64_t end, float* out,
                       int64_t room);

// Adds to `sum`, for each filled signal and level, the cosine between a signal's coefficients and
// another's, cut to the shorter's, of tables of as many levels.
using AddCosines = void(const WaveletTable& longer, const float* a, const WaveletTable& shorter,
                        const float* b, const float* filled, double* sum);

using MultiplyVectors = Products(const float* u, const float* v, int64_t count);

}  // namespace lane_kernels
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_WAVELET_KERNEL_H_
