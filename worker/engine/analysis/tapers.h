// Weights that a signal is multiplied with before its spectrum is taken.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_TAPERS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_TAPERS_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "common/spec/spec.h"

namespace ondelette::engine {

// float64 [length] on the CPU:
//   hann-periodic   0.5 - 0.5 cos(2 pi t / length)
//   hann-symmetric  0.5 - 0.5 cos(2 pi t / (length - 1))
//   hann-centred    0.5 + 0.5 cos(pi t / length): the half t >= 0 of an even taper
//   none            1
at::Tensor TaperWeights(Taper taper, int64_t length);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_TAPERS_H_
