#include "records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "common/spec/columns.h"
#include "worker/engine/analysis/layer_analyzer.h"

namespace ondelette::engine {
namespace {

void Feed(LayerAnalyzer& analyzer, const at::Tensor& attention, int64_t tile, int alpha) {
  int64_t queries = attention.size(1);
  int64_t step = tile == 0 ? queries : tile;
  for (int64_t first = 0; first < queries; first += step) {
    at::Tensor part = attention.narrow(1, first, std::min(step, queries - first));
    if (alpha < 0) {
      analyzer.Add(first, part);
    } else {
      analyzer.AddShortened(alpha, first, part);
    }
  }
}

// The same by blocks of lanes, head by head.
void FeedLanes(LayerAnalyzer& analyzer, const at::Tensor& attention, int alpha) {
  const int64_t queries = attention.size(1), keys = attention.size(2);
  for (int64_t head = 0; head < attention.size(0); ++head) {
    for (int64_t first = 0; first < queries; first += kLaneCount) {
      const int64_t count = std::min(kLaneCount, queries - first);
      at::Tensor lanes = at::zeros({keys, kLaneCount}, at::kFloat);
      lanes.narrow(1, 0, count).copy_(attention[head].narrow(0, first, count).t());
      const LaneBlock block{head, first, count, keys, 0, keys, lanes.data_ptr<float>()};
      if (alpha < 0) {
        analyzer.Add(block);
      } else {
        analyzer.AddShortened(alpha, block);
      }
    }
  }
}

}  // namespace

at::Tensor Pattern(const std::string& name, int64_t n) {
  at::TensorOptions doubles = at::TensorOptions().dtype(at::kDouble);
  at::Tensor attention = at::zeros({n, n}, doubles);
  if (name == "uniform-causal") {
    return at::ones({n, n}, doubles).tril() / at::arange(1, n + 1, doubles).unsqueeze(1);
  }
  if (name == "uniform") return at::full({n, n}, 1.0 / static_cast<double>(n), doubles);
  for (int64_t i = 0; i < n; ++i) {
    int64_t key = name == "sink" ? 0 : name == "identity" ? i : std::max<int64_t>(i - 1, 0);
    attention[i][key] = 1.0;
  }
  return attention;
}

at::Tensor RandomAttention(int64_t heads, int64_t n, uint64_t seed, bool causal) {
  auto generator = at::detail::createCPUGenerator(seed);
  at::Tensor scores = at::randn({heads, n, n}, generator) * 2;
  if (causal) {
    at::Tensor hidden = at::ones({n, n}, at::TensorOptions().dtype(at::kBool)).triu(1);
    scores = scores.masked_fill(hidden, -std::numeric_limits<float>::infinity());
  }
  return scores.softmax(-1);
}

at::Tensor Analyze(const Spec& spec, const at::Tensor& attention, const Feeding& feeding) {
  auto plan = AnalysisPlan::Create(spec, at::kCPU, feeding.causal, true, feeding.method);
  if (!plan.ok()) {
    ADD_FAILURE() << plan.status();
    return {};
  }
  LayerAnalyzer analyzer(*plan, attention.size(0));
  auto feed = [&](const at::Tensor& matrix, int alpha) {
    if ((*plan)->lanes() != nullptr) {
      FeedLanes(analyzer, matrix, alpha);
    } else {
      Feed(analyzer, matrix, feeding.tile, alpha);
    }
  };
  feed(attention, -1);
  for (size_t alpha = 0; alpha < feeding.shortened.size(); ++alpha) {
    feed(feeding.shortened[alpha], static_cast<int>(alpha));
  }
  return analyzer.Finish();
}

std::map<std::string, float> Labelled(const Spec& spec, const at::Tensor& record) {
  std::map<std::string, float> figures;
  std::vector<Column> columns = Columns(spec);
  for (size_t at = 0; at < columns.size(); ++at) {
    figures[columns[at].Label()] = record[static_cast<int64_t>(at)].item<float>();
  }
  return figures;
}

void ExpectRecord(const Spec& spec, const at::Tensor& record, const nlohmann::json& golden,
                  double relative, double absolute, std::map<std::string, double>* worst) {
  std::map<std::string, float> figures = Labelled(spec, record);
  auto compare = [&](const std::string& metric, const std::string& label,
                     const nlohmann::json& expected) {
    auto figure = figures.find(label);
    ASSERT_NE(figure, figures.end()) << label;
    if (expected.is_null()) {
      EXPECT_TRUE(std::isnan(figure->second)) << label << " is " << figure->second;
      return;
    }
    double want = expected.get<double>();
    double tolerance = std::max(absolute, relative * std::abs(want));
    if (metric == "reconstruction_error") {
      want = 0;
      tolerance = 1e-6;
    }
    double error = std::abs(figure->second - want);
    EXPECT_LE(error, tolerance) << label << " is " << figure->second << ", not " << want;
    if (worst != nullptr) {
      double& share = (*worst)[metric];
      share = std::max(share, error / tolerance);
    }
  };
  for (const auto& [metric, expected] : golden.items()) {
    if (!expected.is_array()) {
      compare(metric, metric, expected);
      continue;
    }
    for (size_t at = 0; at < expected.size(); ++at) {
      compare(metric, Column{metric, static_cast<int>(at)}.Label(), expected[at]);
    }
  }
}

nlohmann::json ReadJson(const std::string& path_in_repository) {
  std::ifstream file(std::string(ONDELETTE_SOURCE_DIR "/") + path_in_repository);
  EXPECT_TRUE(file.good()) << path_in_repository;
  return nlohmann::json::parse(file);
}

}  // namespace ondelette::engine
