// One head of one layer of one sequence, from blocks of lanes to figures: what TileAnalysis does for
// all heads with tensors, by the CPU's kernels.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_HEAD_LANES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_HEAD_LANES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/engine/analysis/lane_plan.h"
#include "worker/engine/analysis/lane_scale.h"
#include "worker/engine/analysis/lane_signals.h"
#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/lanes/spectral_kernel.h"
#include "worker/engine/lanes/wavelet_kernel.h"

namespace ondelette::engine {

// What is summed over sequences' signals of one kind: the head's own, or a control's.
struct LaneSpectrumSums {
  SpectralTotals totals;
  double positional = 0;  // over filled signals
  double filled = 0;
};

// Blocks of the whole sequence come in the order of their queries, and so do those of a shortened
// one; the two kinds may come at the same time on different threads. `plan` must outlive it.
class HeadLanes {
 public:
  explicit HeadLanes(const LanePlan& plan);

  void Add(const LaneBlock& block);
  // Only where plan.needs_shortened.
  void AddShortened(size_t alpha, const LaneBlock& block);

  // After the last block, once. Metric name -> a number, or one a level; NaN where undefined.
  using HeadFigures = std::map<std::string, std::vector<double>>;
  HeadFigures Finish();

  // Query rows that hold NaN or Inf, of all sequences.
  double non_finite_rows() const;
  // Of rows: the mean over the head's own signals, by key; NaN where every one is empty.
  std::vector<double> Received() const;

 private:
  void AddMasses(const LaneBlock& block);
  void AddRows(const LaneBlock& block);
  void AddRowSpectra(const LaneBlock& block, const LaneSignals& rows, Sink sink);
  void AddWindows(const LaneBlock& block);
  void AddWavelets(const LaneSignals& signals);
  void AddPrefixes(const LaneSignals& signals);
  void FinishSpectra(HeadFigures& figures) const;

  const LanePlan& plan_;
  // Of the whole sequence, and, by alpha, of the shortened ones.
  double non_finite_rows_ = 0;
  std::vector<double> shortened_non_finite_rows_;
  double sink_mass_ = 0, local_mass_ = 0, window_mass_ = 0;
  LaneSpectrumSums spectra_[2][2];              // by sink, and signals or their twins
  std::vector<double> energy_share_, entropy_;  // [levels][kLaneCount]
  double filled_ = 0;                           // of the head's own signals
  ReconstructionTotals reconstruction_;
  std::vector<double> received_;  // rows: by key
  std::unique_ptr<LaneScale> scale_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_HEAD_LANES_H_
