// What the analysis tests share: attention patterns, a run of the analyzer, comparison with
// goldens.
#ifndef ONDELETTE_TESTS_UNIT_ANALYSIS_RECORDS_H_
#define ONDELETTE_TESTS_UNIT_ANALYSIS_RECORDS_H_

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/analysis/plan.h"

namespace ondelette::engine {

// One of the control patterns of tests/parity: [n, n] float64.
at::Tensor Pattern(const std::string& name, int64_t n);
// Softmax of seeded normal scores, [heads, n, n] float32.
at::Tensor RandomAttention(int64_t heads, int64_t n, uint64_t seed, bool causal = true);

struct Feeding {
  int64_t tile = 0;  // queries a tile; 0: all at once. Lanes come by sixteen
  Method method = Method::kFastest;
  bool causal = true;
  std::vector<at::Tensor> shortened;  // by alpha; {}: read off the whole
};
// Every method, for tests of all of them, and its name.
inline const auto kEveryMethod =
    testing::Values(Method::kFastest, Method::kTeams, Method::kTensors);
inline std::string MethodName(Method method) {
  return method == Method::kFastest ? "Lanes" : method == Method::kTeams ? "Teams" : "Tensors";
}

// Records [heads, columns] of attention [heads, n, n].
at::Tensor Analyze(const Spec& spec, const at::Tensor& attention, const Feeding& feeding = {});

// One head's figures by label: "band_low", "wavelet_entropy[2]".
std::map<std::string, float> Labelled(const Spec& spec, const at::Tensor& record);

// Compares a record with a golden object (numbers, lists, null for undefined): relative or absolute
// tolerance, whichever is met. Every golden figure must be a column. reconstruction_error is only
// compared with 1e-6, as it measures the arithmetic. `worst`, if given, collects by metric the
// largest error as a share of the tolerance.
void ExpectRecord(const Spec& spec, const at::Tensor& record, const nlohmann::json& golden,
                  double relative, double absolute, std::map<std::string, double>* worst = nullptr);

nlohmann::json ReadJson(const std::string& path_in_repository);

}  // namespace ondelette::engine

#endif  // ONDELETTE_TESTS_UNIT_ANALYSIS_RECORDS_H_
