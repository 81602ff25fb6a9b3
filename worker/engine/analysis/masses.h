// Figures of the attention itself, whatever the signal: where its mass lies, and whether it is
// finite.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_MASSES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_MASSES_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/engine/analysis/figures.h"

namespace ondelette::engine {

// How many rows of attention [heads, queries, keys] hold NaN or Inf: [heads] float64.
at::Tensor CountNonFiniteRows(const at::Tensor& attention);

// sink_mass: mean over queries i >= 1 of A[i, 0]. local_mass_16: mean over all queries of the mass
// less than 16 places away. Not thread-safe.
class MassSums {
 public:
  void Add(int64_t first_query, const at::Tensor& attention);
  void Finish(int64_t queries, Figures& figures) const;

 private:
  at::Tensor sink_;   // [heads]
  at::Tensor local_;  // [heads]
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_MASSES_H_
