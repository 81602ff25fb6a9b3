// One layer of one sequence from tiles of attention, with tensors of any device, in float64.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TILE_ANALYSIS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TILE_ANALYSIS_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/masses.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/analysis/scale.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/spectral_sums.h"
#include "worker/engine/analysis/tiles.h"
#include "worker/engine/analysis/wavelet_sums.h"

namespace ondelette::engine {

// As LayerAnalyzer has it; what is kept are sums over queries, and for the signals rows, received
// and last the wavelet coefficients that a scale figure compares: at most about twice
// floor(alpha n)^2 float32 a head and alpha. Not thread-safe; `plan` must outlive it.
class TileAnalysis {
 public:
  TileAnalysis(const AnalysisPlan& plan, int64_t heads);

  void Add(int64_t first_query, const at::Tensor& attention);
  void AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention);
  at::Tensor Finish();

 private:
  // The head itself, or one of its controls.
  struct VariantSums {
    VariantSums(const AnalysisPlan& plan, const AnalysisPlan::Variant& which);
    AnalysisPlan::Variant variant;
    RowSignals signals;
    SpectralSums spectral;
  };

  void AddRows(int64_t first_query, const at::Tensor& attention);
  void AddWindows(int64_t first_query, const at::Tensor& attention);
  void AddBaseSignals(SignalTile& tile);
  void AddPrefixes(int64_t first_query, const at::Tensor& attention);
  void AddShortenedSignals(size_t alpha, int64_t first_query, const at::Tensor& attention);
  Figures MakeFigures();

  const AnalysisPlan& plan_;
  TileOrder order_;
  at::Tensor non_finite_;  // [heads]
  MassSums masses_;
  std::vector<VariantSums> variants_;  // as plan.variants(): the head itself first
  WaveletSums wavelets_;
  ReconstructionSums reconstruction_;
  ReceivedSums received_;   // rows specs
  at::Tensor window_mass_;  // relative: [heads]
  std::unique_ptr<ScaleComparison> scale_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TILE_ANALYSIS_H_
