// Scale figures: how a head's wavelet coefficients change when the sequence is shortened
// (scale_sensitivity, equation 10, and scale_distance; docs/metrics.md section 3).
//
// What a comparison holds, in float32 a head: concat-truncate the coefficients of each shortened
// matrix and as many of the whole one's; level-cosine the coefficients of the whole matrix's first
// m rows, cut to the shortened one's lengths, and the shortened one's: about m (m + 3 level) for
// each of the two. profile-distance holds only sums.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SCALE_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SCALE_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/wavelet.h"

namespace ondelette::engine {

class AnalysisPlan;

// The matrices compared: the whole one and one for each alpha. What it points to must outlive the
// comparison.
struct ScaleShape {
  int64_t heads = 0;
  at::Device device = at::kCPU;
  int64_t rows = 0;                       // of the whole matrix
  const Wavelet* wavelet = nullptr;       // of its rows (or of windows)
  std::vector<int64_t> shortened_rows;    // by alpha
  std::vector<const Wavelet*> shortened;  // by alpha
};

// Fed with the rows (or windows) of the whole and of the shortened matrices in any order; computes
// what it needs of tile.levels. Not thread-safe.
class ScaleComparison {
 public:
  virtual ~ScaleComparison() = default;
  virtual void AddWhole(SignalTile& tile) = 0;
  virtual void AddShortened(size_t alpha_index, SignalTile& tile) = 0;
  // By alpha: [heads] float64, NaN where undefined.
  virtual std::vector<at::Tensor> Finish() const = 0;
};

std::unique_ptr<ScaleComparison> MakeConcatTruncate(const ScaleShape& shape);
std::unique_ptr<ScaleComparison> MakeLevelCosine(const ScaleShape& shape);
std::unique_ptr<ScaleComparison> MakeProfileDistance(const ScaleShape& shape);

// The plan's own.
std::unique_ptr<ScaleComparison> MakeScaleComparison(const AnalysisPlan& plan, int64_t heads);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SCALE_H_
