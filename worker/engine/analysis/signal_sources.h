// Where the signals of an attention tile lie in its memory, for LaneSpectrum.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SOURCES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SOURCES_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {

// Rows of attention [heads, queries, keys] on the CPU, contiguous: whole, or without key 0 and
// query 0. `keys`: int32 [rows, length] on the CPU, which of a row's numbers stands where in its
// twin; undefined: there are no twins. Head by head; what they point to is the tensors'.
std::vector<SignalSource> RowSources(int64_t first_query, const at::Tensor& attention, Sink sink,
                                     const at::Tensor& keys);

// Windows of the queries i >= window: key i - d for d = 0..window-1; in the twin those that `keys`
// [queries, window] names.
std::vector<SignalSource> WindowSources(int64_t first_query, const at::Tensor& attention,
                                        int64_t window, const at::Tensor& keys);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SIGNAL_SOURCES_H_
