// Runs ondelette-engine over every case of models/cases.json and compares attention and records
// with the goldens that transformers, numpy, SciPy and PyWavelets made. What a network's mask hides
// must be exactly 0. Prints the worst error of each metric as a share of its tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"
#include "worker/engine/checkpoint/weight_file.h"

namespace ondelette::testing {
namespace {

using nlohmann::json;

constexpr char kModels[] = ONDELETTE_SOURCE_DIR "/tests/parity/models/";
constexpr double kAttentionAbsolute = 5e-5;
constexpr double kRelative = 2e-4, kAbsolute = 1e-5;
constexpr double kReconstructionLimit = 1e-6;  // it measures the arithmetic itself

// Worst share of the tolerance, and where.
class Report {
 public:
  void Add(const std::string& metric, double share, const std::string& where) {
    auto [worst, added] = worst_.emplace(metric, std::pair(share, where));
    if (share > worst->second.first) worst->second = {share, where};
    EXPECT_LE(share, 1) << where << ": " << metric << " as a share of its tolerance";
  }
  void Print() const {
    std::printf("%-36s worst, as a share of the tolerance\n", "metric");
    for (const auto& [metric, worst] : worst_) {
      std::printf("%-36s %.4f  %s\n", metric.c_str(), worst.first, worst.second.c_str());
    }
  }

 private:
  std::map<std::string, std::pair<double, std::string>> worst_;
};

void CompareNumber(const std::string& metric, const json& wanted, const json& got,
                   const std::string& where, Report& report) {
  EXPECT_EQ(wanted.is_null(), got.is_null()) << where << ": " << metric;
  if (wanted.is_null() || got.is_null()) return;
  const double exact = wanted, value = got;
  const double share =
      metric == "reconstruction_error"
          ? value / kReconstructionLimit
          : std::abs(value - exact) / std::max(kRelative * std::abs(exact), kAbsolute);
  report.Add(metric, share, where);
}

void CompareMetrics(const json& wanted, const json& got, const std::string& where, Report& report) {
  for (const auto& [metric, values] : got.items()) {
    // The key-shuffled null depends on the engine's own permutation: it is in no golden.
    EXPECT_TRUE(wanted.contains(metric) || absl::EndsWith(metric, "_key_shuffled"))
        << where << ": " << metric << " is not one of the spec's";
  }
  for (const auto& [metric, values] : wanted.items()) {
    if (metric == "non_finite_rows") continue;  // stands beside the metrics, where it is not 0
    ASSERT_TRUE(got.contains(metric)) << where << ": " << metric << " is missing";
    if (!values.is_array()) {
      CompareNumber(metric, values, got[metric], where, report);
      continue;
    }
    ASSERT_EQ(values.size(), got[metric].size()) << where << ": " << metric;
    for (size_t at = 0; at < values.size(); ++at) {
      CompareNumber(metric, values[at], got[metric][at], where, report);
    }
  }
}

void CompareRecords(const std::string& goldens, const std::string& output, const std::string& name,
                    Report& report) {
  const std::vector<json> wanted = Lines(ReadBytes(goldens)), got = Lines(ReadBytes(output));
  ASSERT_FALSE(wanted.empty());
  ASSERT_EQ(wanted.size(), got.size()) << name;
  for (size_t at = 0; at < wanted.size(); ++at) {
    for (const char* field : {"sequence", "layer", "head"}) {
      ASSERT_EQ(wanted[at][field], got[at][field]) << name;
    }
    EXPECT_FALSE(got[at].contains("non_finite_rows"));
    const std::string where = name + " " + wanted[at]["sequence"].get<std::string>() + " layer " +
                              wanted[at]["layer"].dump() + " head " + wanted[at]["head"].dump();
    CompareMetrics(wanted[at]["metrics"], got[at]["metrics"], where, report);
  }
}

std::vector<float> Floats(const TensorView& view) {
  std::vector<float> values(view.bytes.size() / sizeof(float));
  std::memcpy(values.data(), view.bytes.data(), values.size() * sizeof(float));
  return values;
}

// One layer of the dump against the golden, which keeps some query rows.
double WorstError(const TensorView& golden, const TensorView& dump, const json& rows) {
  const size_t heads = static_cast<size_t>(golden.shape[0]);
  const size_t n = static_cast<size_t>(golden.shape[2]);
  const std::vector<float> exact = Floats(golden), values = Floats(dump);
  double worst = 0;
  for (size_t head = 0; head < heads; ++head) {
    for (size_t row = 0; row < rows.size(); ++row) {
      for (size_t key = 0; key < n; ++key) {
        const float error = exact[(head * rows.size() + row) * n + key] -
                            values[(head * n + rows[row].get<size_t>()) * n + key];
        worst = std::isnan(error) ? INFINITY : std::max<double>(worst, std::abs(error));
      }
    }
  }
  return worst;
}

// How many positions that a causal mask, or a window of `window` keys (0: none), hides are not 0.
int SeenThroughTheMask(const TensorView& dump, size_t window) {
  const size_t n = static_cast<size_t>(dump.shape[2]);
  const std::vector<float> values = Floats(dump);
  int seen = 0;
  for (size_t at = 0; at < values.size(); ++at) {
    const size_t query = at / n % n, key = at % n;
    const bool hidden = key > query || (window != 0 && query - key >= window);
    if (hidden && values[at] != 0) ++seen;
  }
  return seen;
}

void CompareAttention(const std::string& folder, const std::string& stem, const std::string& dump,
                      Report& report) {
  const json description = json::parse(ReadBytes(folder + "/" + stem + ".json"));
  auto wanted = OpenSafetensors(folder + "/" + stem + ".safetensors"), got = OpenSafetensors(dump);
  ASSERT_TRUE(wanted.ok()) << wanted.status();
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ((*wanted)->tensors().size(), (*got)->tensors().size());
  for (const TensorView& view : (*wanted)->tensors()) {
    const std::string name(view.name);
    const std::string where =
        absl::StrCat(folder.substr(std::strlen(kModels)), "/", stem, " ", name);
    const TensorView* engine = (*got)->Find(view.name);
    ASSERT_NE(engine, nullptr) << where;
    ASSERT_EQ(engine->shape, (std::vector<int64_t>{view.shape[0], view.shape[2], view.shape[2]}));
    report.Add("attention", WorstError(view, *engine, description["rows"]) / kAttentionAbsolute,
               where);
    if (!description["causal"]) continue;
    const json& window = description["windows"].at(std::stoul(name.substr(name.rfind('/') + 1)));
    EXPECT_EQ(SeenThroughTheMask(*engine, window.is_null() ? 0 : window.get<size_t>()), 0) << where;
  }
}

std::vector<std::string> Arguments(const json& item, const std::string& folder,
                                   const TempFolder& files) {
  std::vector<std::string> arguments{
      "analyze",    "--checkpoint", folder, "--tokens", folder + "/tokens.jsonl",   "--spec",
      item["spec"], "--device",     "cpu",  "--output", files.Path("records.jsonl")};
  for (const auto& [field, value] : item["set"].items()) {
    arguments.insert(arguments.end(), {"--set", field + "=" + value.dump()});
  }
  return arguments;
}

json Cases() { return json::parse(ReadBytes(std::string(kModels) + "cases.json")); }

TEST(ParityTest, EveryCaseAgreesWithTheOracle) {
  Report report;
  for (const json& item : Cases()) {
    const std::string model = item["model"], folder = kModels + model;
    const std::string name = model + "/" + item["name"].get<std::string>();
    const TempFolder files;
    std::vector<std::string> arguments = Arguments(item, folder, files);
    const std::string dump = files.Path("attention.safetensors");
    if (item.contains("attention")) {
      arguments.insert(arguments.end(), {"--dump-attention", dump});
    }
    const Outcome outcome = RunEngine(arguments);
    EXPECT_EQ(outcome.status, 0) << name << ": " << outcome.err;
    if (outcome.status != 0) continue;
    if (item.contains("attention")) CompareAttention(folder, item["attention"], dump, report);
    CompareRecords(folder + "/" + item["name"].get<std::string>() + ".jsonl",
                   files.Path("records.jsonl"), name, report);
  }
  report.Print();
}

// What the cases cover of one family.
struct Coverage {
  std::set<std::string> networks, with_attention, dtypes, generations, presets;
  double lowest_score = 0;
};

TEST(ParityTest, EveryFamilyIsCovered) {
  std::map<std::string, Coverage> families;
  for (const json& item : Cases()) {
    Coverage& family = families[item["family"]];
    family.networks.insert(item["model"]);
    family.dtypes.insert(item["dtype"]);
    family.generations.insert(item["config"]);
    family.presets.insert(item["spec"]);
    if (!item.contains("attention")) continue;
    family.with_attention.insert(item["model"]);
    const std::string stem = item["attention"], folder = kModels + item["model"].get<std::string>();
    const json description = json::parse(ReadBytes(absl::StrCat(folder, "/", stem, ".json")));
    family.lowest_score = std::min<double>(family.lowest_score, description["lowest_score"]);
  }
  EXPECT_GE(families.size(), 8);
  for (const auto& [name, family] : families) {
    EXPECT_GE(family.networks.size(), 6) << name;
    EXPECT_EQ(family.networks, family.with_attention) << name;
    EXPECT_EQ(family.dtypes.size(), 3) << name << ": F32, F16 and BF16";
    EXPECT_EQ(family.generations.size(), 2) << name << ": configs of transformers 4 and 5";
    EXPECT_EQ(family.presets.size(), 4) << name << ": all presets";
    EXPECT_LT(family.lowest_score, -1e5) << name << ": scores as low as trained networks'";
  }
}

}  // namespace
}  // namespace ondelette::testing
