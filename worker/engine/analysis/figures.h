// Figures by name, on their way into a record.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_FIGURES_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_FIGURES_H_

#include <ATen/ATen.h>

#include <map>
#include <string>

namespace ondelette::engine {

// Metric name -> [heads], or [heads, elements] for lists; float64 on the analyzer's device, NaN
// where undefined.
using Figures = std::map<std::string, at::Tensor>;

// Adds to a running sum that begins undefined. `sum` takes `value` over.
inline void AddTo(at::Tensor& sum, const at::Tensor& value) {
  sum = sum.defined() ? sum.add_(value) : value;
}

// Sum over the last dimension (signals) of the values that `counted` picks; the others may be
// anything.
inline at::Tensor SumWhere(const at::Tensor& counted, const at::Tensor& values) {
  return at::where(counted, values, at::zeros({}, values.options())).sum(-1);
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_FIGURES_H_
