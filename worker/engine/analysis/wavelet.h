// The multi-level discrete wavelet transform with Daubechies' db2, as PyWavelets lays it out: same
// coefficient order, phase and boundary rules, for any length and any number of levels.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/transforms/wavelet_table.h"

namespace ondelette::engine {

// The transform of signals of one length. Immutable, thread-safe. Works in the precision of what it
// is given, along the last dimension; every other dimension is a batch.
class Wavelet {
 public:
  // `length` >= 1, `level` >= 1 (levels above the useful maximum go on transforming the boundary).
  Wavelet(int64_t length, int level, Boundary boundary, at::Device device);

  // Coefficients of each level: cA_L, cD_L, ..., cD_1.
  const std::vector<int64_t>& lengths() const { return lengths_; }

  // [..., length] -> {[..., lengths()[0]], [..., lengths()[1]], ...}.
  std::vector<at::Tensor> Transform(const at::Tensor& signals) const;

  // The same rules for the CPU's kernel; how signals come and what is made of them is not set.
  const WaveletTable& table() const { return table_; }

  // The other way round.
  at::Tensor Inverse(const std::vector<at::Tensor>& levels) const;

 private:
  // One level's step from `length` samples to `half` coefficients of each kind. The samples are
  // continued on both sides by copies of those at `left` and `right`.
  struct Step {
    int64_t length;
    int64_t half;
    at::Tensor left;
    at::Tensor right;
  };
  at::Tensor Extend(const at::Tensor& signals, const Step& step) const;
  at::Tensor InverseStep(const at::Tensor& approximation, const at::Tensor& detail) const;

  Boundary boundary_;
  std::vector<Step> steps_;  // finest first
  std::vector<int64_t> lengths_;
  WaveletTable table_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_WAVELET_H_
