#include "worker/engine/program/controls.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "worker/engine/analysis/layer_analyzer.h"
#include "worker/engine/analysis/plan.h"
#include "worker/engine/analysis/shortened.h"

namespace ondelette::engine {
namespace {

enum class Pattern { kUniformCausal, kUniform, kSink, kIdentity, kPrevious };
constexpr std::pair<Pattern, const char*> kPatterns[] = {
    {Pattern::kUniformCausal, "uniform-causal"},
    {Pattern::kUniform, "uniform"},
    {Pattern::kSink, "sink"},
    {Pattern::kIdentity, "identity"},
    {Pattern::kPrevious, "previous"},
};

// Rows first..first+count-1 and keys 0..keys-1 of the pattern of n tokens, [1, count, keys].
at::Tensor Tile(Pattern pattern, int64_t first, int64_t count, int64_t keys, int64_t n) {
  const at::Tensor query = at::arange(first, first + count, at::kLong).unsqueeze(1);
  const at::Tensor key = at::arange(keys, at::kLong).unsqueeze(0);
  at::Tensor values;
  switch (pattern) {
    case Pattern::kUniformCausal:
      values = (key <= query).to(at::kDouble) / (query + 1);
      break;
    case Pattern::kUniform:
      values = at::full({count, keys}, 1.0 / static_cast<double>(n), at::kDouble);
      break;
    case Pattern::kSink:
      values = (key == 0).expand({count, keys});
      break;
    case Pattern::kIdentity:
      values = key == query;
      break;
    case Pattern::kPrevious:
      values = key == (query - 1).clamp_min(0);
      break;
  }
  return values.to(at::kFloat).unsqueeze(0).contiguous();
}

// Calls add(first_query, attention [1, tile, keys]) for all of the first `keys` queries and keys.
template <typename Add>
void ForEachTile(Pattern pattern, int64_t keys, int64_t n, at::Device device, Add add) {
  const int64_t tile = TileQueries(1, keys);
  for (int64_t first = 0; first < keys; first += tile) {
    const int64_t count = std::min(tile, keys - first);
    add(first, Tile(pattern, first, count, keys, n).to(device));
  }
}

at::Tensor MeasurePattern(Pattern pattern, const std::shared_ptr<const AnalysisPlan>& plan) {
  const Spec& spec = plan->spec();
  LayerAnalyzer analyzer(plan, 1);
  ForEachTile(pattern, spec.tokens, spec.tokens, plan->device(),
              [&](int64_t first, const at::Tensor& tile) { analyzer.Add(first, tile); });
  for (size_t alpha = 0; plan->needs_shortened() && alpha < spec.alphas.size(); ++alpha) {
    const int64_t keys = ShortenedLength(spec.alphas[alpha], spec.tokens);
    ForEachTile(
        pattern, keys, spec.tokens, plan->device(),
        [&](int64_t first, const at::Tensor& tile) { analyzer.AddShortened(alpha, first, tile); });
  }
  return analyzer.Finish();
}

}  // namespace

std::vector<std::string> ControlNames() {
  std::vector<std::string> names;
  for (const auto& [pattern, name] : kPatterns) names.emplace_back(name);
  return names;
}

absl::StatusOr<at::Tensor> MeasureControls(const Spec& spec, at::Device device) {
  std::vector<at::Tensor> rows;
  for (const auto& [pattern, name] : kPatterns) {
    absl::StatusOr<std::shared_ptr<const AnalysisPlan>> plan =
        AnalysisPlan::Create(spec, device, /*causal=*/pattern != Pattern::kUniform,
                             /*prefix_exact=*/true, Method::kTensors);
    if (!plan.ok()) return plan.status();
    rows.push_back(MeasurePattern(pattern, *plan));
  }
  return at::cat(rows, 0).to(at::kCPU).contiguous();
}

}  // namespace ondelette::engine
