// How the wavelet transform of signals of one length goes, level by level.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_WAVELET_TABLE_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_WAVELET_TABLE_H_

#include <cstdint>
#include <vector>

namespace ondelette::engine {

// What all signals of one length under one spec have in common.
struct WaveletTable {
  // From `length` samples to `half` coefficients of each kind. The samples go on to the left and
  // to the right with copies of those named, or with zeros.
  struct Step {
    int64_t length;
    int64_t half;
    std::vector<int64_t> left, right;
  };

  int64_t length = 0;
  std::vector<Step> steps;   // finest first
  int64_t coefficients = 0;  // of all levels
  bool periodic = false;
  bool zeros = false;  // beyond the ends
};

// More levels than this are not asked for anywhere (spec.h).
inline constexpr int64_t kMostLevels = 32;

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_WAVELET_TABLE_H_
