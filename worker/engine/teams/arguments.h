// What the teams' kernels are given: plain values and addresses, as a GPU takes them. All tables and
// results lie in the memory of the device that the kernel runs on.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_ARGUMENTS_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_ARGUMENTS_H_

#include <cstdint>
#include <vector>

#include "worker/engine/transforms/fft_plan.h"
#include "worker/engine/transforms/wavelet_table.h"

namespace ondelette::engine {

// A tile of attention [heads, queries, keys] float32, and which signal is made of each query's row:
//   window > 0   x[d] = A[i, i - d], d < window, renormalised; none where i < window
//   dropped      the row without key 0, renormalised; none where i = 0
//   else         the row as it is
// A renormalised signal that holds no more than 1e-6 is empty. Where rows are causal, keys behind
// the query are zero and are not read: `keys` may end with the last query of the tile.
struct TeamTile {
  const float* attention;
  int64_t head_stride, row_stride;  // in numbers; keys lie side by side
  int heads, queries, keys;
  int first_query;
  int tokens;  // of the sequence: a row's length, whatever `keys` is
  int window;
  bool causal;
  // `attention` is the windows themselves, [heads, queries, window], of queries >= window.
  bool cut;
};

// Which key stands where in a signal's shuffled twin, by signal: number t of the twin is number
// keys[t] of the row (of the row without key 0, where that is dropped).
struct TeamShuffle {
  const int32_t* keys = nullptr;  // [signals, length]; nullptr: no twins
  int first = 0;                  // the signal whose keys come first: its row's or window's index
  // Of windows that are cut: the twins themselves, as the windows lie; nullptr: no twins.
  const float* cut = nullptr;
};

struct TeamFft {
  static constexpr int kMostPasses = 16;
  struct Pass {
    int radix, count, stride;
    const float* twiddles;
    const float* roots;
  };
  int points;
  int passes;
  Pass pass[kMostPasses];
};

// What all signals of one length under one spec have in common (analysis/signal_spectrum.h).
struct TeamSpectrum {
  TeamFft fft;
  int length;  // of a signal
  const float* weights;
  bool centred, detrended, doubled;
  int first_bin;
  int band_bins[3];
};

// Figures of one signal, 0 where it is not counted, and how far it counts.
struct SpectralFigures {
  float entropy, selectivity, band_low, peak, flatness, band_mid, band_high;
  float counted;     // 1: neither flat nor empty
  float positional;  // entropy of the signal itself, 0 where it is empty
  float filled;      // 1: not empty
};

// Of one row of attention.
struct RowFigures {
  SpectralFigures spectra[2][2];  // by sink (kept or window, dropped), and signal or shuffled twin
  float non_finite;               // 1: the row holds NaN or Inf
  float sink_mass;                // 0 for query 0
  float local_mass;
  float window_mass;  // 0 where there is no window
};
inline constexpr int kRowFigures = sizeof(RowFigures) / sizeof(float);

struct SpectraArguments {
  TeamTile tile;
  // Of the rows as they are, or windows; and of rows without key 0. Which are looked at.
  bool looked_at[2];
  TeamSpectrum spectrum[2];
  TeamShuffle shuffle[2];
  int local_width;
  RowFigures* figures;  // [heads, queries]
};

struct TeamWavelet {
  static constexpr int kMostSteps = static_cast<int>(kMostLevels);
  struct Step {
    int length, half;
    int left, right;  // how many samples go on to each side, and which they are
    int from_left[2], from_right[4];
  };
  int length;
  int steps;
  int coefficients;
  bool periodic, zeros;
  Step step[kMostSteps];
};

struct WaveletArguments {
  TeamTile tile;
  bool dropped;    // the signals are rows without key 0
  bool detrended;  // less their mean
  TeamWavelet wavelet;
  bool within_scale;   // of the entropies: wavelet_kernel.h
  bool reconstructed;  // whether the transform is inverted and compared
  // [heads, queries, WaveletFigures(wavelet)]: filled; of reconstruction energy and error, squared;
  // then by level, cA_L first, the share of energy; then the entropy. All 0 where the signal is empty.
  float* figures;
  // [heads, queries, coefficients], finest detail first, the approximation last; nullptr: not kept.
  float* coefficients;
};

inline int WaveletFigures(const TeamWavelet& wavelet) { return 3 + 2 * (wavelet.steps + 1); }

// Scores [heads, queries, keys] to probabilities, in place: scale, bias, softcap and mask as
// AttentionRule (model/attention.h) has them. What is masked gets exactly 0.
struct SoftmaxArguments {
  float* scores;
  int heads, queries, keys;
  int first_query, first_key;
  float scale, softcap;
  bool causal;
  int window;
  // Of key j for query i at [head, j - i + tokens - 1]; nullptr: none.
  const float* bias;
  int tokens;
  bool in_place;  // a row does not fit the memory of a team, which then works on it where it is
};

// Of one row, as RowFigures has them.
struct WindowMasses {
  float non_finite, sink_mass, local_mass;
};

// Scores to windows of probabilities, of the tile's queries >= window. The scores stay as they are.
struct WindowArguments {
  SoftmaxArguments rows;
  int window, local_width;
  TeamShuffle shuffle;   // by window: its keys; none: no twins
  float* windows;        // [heads, those queries, window], each as TeamTile has it
  float* twins;          // likewise
  WindowMasses* masses;  // [heads, queries]
};

// How a kernel is spread over teams: one a row of each head.
struct TeamShape {
  int heads, rows;
  int length;     // of what a team works on
  int64_t bytes;  // of shared memory that it needs beside its reductions'
};
TeamShape ShapeOf(const SpectraArguments& arguments);
TeamShape ShapeOf(const WaveletArguments& arguments);
TeamShape ShapeOf(const SoftmaxArguments& arguments);
TeamShape ShapeOf(const WindowArguments& arguments);

// The rules of table, whose counts must fit: of right to 4, of left to 2.
TeamWavelet MakeTeamWavelet(const WaveletTable& table);

// The plan with its numbers at `tables` on the device, in the order in which FftNumbers has them.
TeamFft MakeTeamFft(const FftPlan& plan, const float* tables);
std::vector<float> FftNumbers(const FftPlan& plan);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_ARGUMENTS_H_
