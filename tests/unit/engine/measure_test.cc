// A GPU's way of measuring, on the CPU: every network of the goldens by the kernels of teams.
#include "worker/engine/program/measure.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/spec/columns.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/load.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

const std::string kModels = ONDELETTE_SOURCE_DIR "/tests/parity/models/";

std::vector<std::vector<int32_t>> Sequences(const std::string& model, int64_t tokens) {
  std::vector<std::vector<int32_t>> sequences;
  std::ifstream file(kModels + model + "/tokens.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto ids = json::parse(line).at("tokens").get<std::vector<int32_t>>();
    if (static_cast<int64_t>(ids.size()) < tokens) continue;
    ids.resize(tokens);
    sequences.push_back(ids);
  }
  return sequences;
}

// Records of all sequences, one after the other.
at::Tensor Measure(Model& model, const Spec& spec, Method method,
                   const std::vector<std::vector<int32_t>>& sequences) {
  auto plan = AnalysisPlan::Create(spec, at::kCPU, model.causal(), model.prefix_exact(), method);
  if (!plan.ok()) {
    ADD_FAILURE() << plan.status();
    return {};
  }
  EXPECT_EQ((*plan)->teams() != nullptr && (*plan)->lanes() == nullptr, method == Method::kTeams);
  std::vector<std::span<const int32_t>> spans(sequences.begin(), sequences.end());
  std::vector<at::Tensor> records;
  MeasureSink sink;
  sink.records = [&](size_t, const at::Tensor& of) {
    records.push_back(of);
    return absl::OkStatus();
  };
  EXPECT_TRUE(MeasureSequences(model, *plan, spans, {0, model.layers()}, sink).ok());
  return at::stack(records);
}

// Both are allowed the published tolerance from the truth. reconstruction_error measures arithmetic.
void ExpectAlike(const Spec& spec, const at::Tensor& a, const at::Tensor& b) {
  const std::vector<Column> columns = Columns(spec);
  for (size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].metric == "reconstruction_error") continue;
    const at::Tensor x = a.select(-1, static_cast<int64_t>(at));
    const at::Tensor y = b.select(-1, static_cast<int64_t>(at));
    EXPECT_TRUE(at::allclose(x, y, 4e-4, 2e-5, /*equal_nan=*/true))
        << columns[at].Label() << " by " << (x - y).abs().max().item<float>();
  }
}

TEST(Measure, AGpusWayGivesTheSameRecordsForEveryNetwork) {
  const json cases = json::parse(std::ifstream(kModels + "cases.json"));
  size_t measured = 0;
  for (const json& golden : cases) {
    json object = golden["set"];
    object["preset"] = golden["spec"];
    const Spec spec = ParseSpec(object.dump()).value();
    const auto model = golden["model"].get<std::string>();
    SCOPED_TRACE(model + "/" + golden["name"].get<std::string>());
    auto checkpoint = Checkpoint::Open(kModels + model);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    auto network =
        LoadModel(std::make_shared<const Checkpoint>(*std::move(checkpoint)), spec, LoadOptions{});
    ASSERT_TRUE(network.ok()) << network.status();
    if (!AnalysisPlan::Create(spec, at::kCPU, true, true, Method::kTeams).value()->teams())
      continue;
    const auto sequences = Sequences(model, spec.tokens);
    ASSERT_FALSE(sequences.empty());
    ExpectAlike(spec, Measure(**network, spec, Method::kFastest, sequences),
                Measure(**network, spec, Method::kTeams, sequences));
    ++measured;
  }
  EXPECT_GE(measured, 80U);
}

}  // namespace
}  // namespace ondelette::engine
