// What every analyzer of one spec shares on one device: tapers, transforms, wavelets, permutations.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_

#include <ATen/ATen.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"

namespace ondelette::engine {

// Immutable, shared, thread-safe.
class AnalysisPlan {
 public:
  // `causal`: attention is zero above the diagonal. It decides in which keys a row is shuffled
  // (those up to the query, or all), and lets the prefix's attention be read off A[:m, :m].
  // INVALID_ARGUMENT where the spec is not valid, RESOURCE_EXHAUSTED where its tables do not fit,
  // FAILED_PRECONDITION where the device is a GPU and this build has no CUDA.
  static absl::StatusOr<std::shared_ptr<const AnalysisPlan>> Create(const Spec& spec,
                                                                    at::Device device,
                                                                    bool causal = true);
  const Spec& spec() const { return spec_; }
  at::Device device() const { return device_; }
  bool causal() const { return causal_; }
  // Whether scale figures need forward passes of the shortened sequences (LayerAnalyzer's
  // AddShortened); false where their attention is part of the whole sequence's.
  bool needs_shortened() const;

 private:
  AnalysisPlan(const Spec& spec, at::Device device, bool causal)
      : spec_(spec), device_(device), causal_(causal) {}

  Spec spec_;
  at::Device device_;
  bool causal_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_PLAN_H_
