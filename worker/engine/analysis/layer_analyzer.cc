#include "worker/engine/analysis/layer_analyzer.h"

#include <algorithm>
#include <utility>

#include "worker/engine/analysis/lane_analysis.h"
#include "worker/engine/analysis/team_analysis.h"
#include "worker/engine/analysis/tile_analysis.h"

namespace ondelette::engine {

int64_t TileQueries(int64_t heads, int64_t tokens, at::Device device) {
  const int64_t numbers = int64_t{1} << (device.is_cpu() ? 18 : 23);
  int64_t row = std::max<int64_t>(heads, 1) * std::max<int64_t>(tokens, 1);
  return std::clamp<int64_t>(numbers / row, 1, std::max<int64_t>(tokens, 1));
}

LayerAnalyzer::LayerAnalyzer(std::shared_ptr<const AnalysisPlan> plan, int64_t heads)
    : plan_(std::move(plan)) {
  if (plan_->lanes() != nullptr) {
    lanes_ = std::make_unique<LaneAnalysis>(*plan_->lanes(), heads);
  } else if (plan_->teams() != nullptr) {
    teams_ = std::make_unique<TeamAnalysis>(*plan_, heads);
  } else {
    tiles_ = std::make_unique<TileAnalysis>(*plan_, heads);
  }
}

LayerAnalyzer::~LayerAnalyzer() = default;

void LayerAnalyzer::Add(int64_t first_query, const at::Tensor& attention) {
  TORCH_CHECK(lanes_ == nullptr, "this plan takes lanes of attention, no tiles");
  if (teams_ != nullptr) return teams_->Add(first_query, attention);
  tiles_->Add(first_query, attention);
}

void LayerAnalyzer::AddShortened(size_t alpha_index, int64_t first_query,
                                 const at::Tensor& attention) {
  TORCH_CHECK(lanes_ == nullptr, "this plan takes lanes of attention, no tiles");
  TORCH_CHECK(plan_->needs_shortened() && alpha_index < plan_->spec().alphas.size(),
              "this spec takes no attention of a shortened sequence ", alpha_index);
  if (teams_ != nullptr) return teams_->AddShortened(alpha_index, first_query, attention);
  tiles_->AddShortened(alpha_index, first_query, attention);
}

void LayerAnalyzer::Add(const SoftmaxArguments& rows) {
  TORCH_CHECK(plan_->takes_scores(), "this plan takes no scores");
  teams_->Add(rows);
}

void LayerAnalyzer::AddShortened(size_t alpha_index, const SoftmaxArguments& rows) {
  TORCH_CHECK(plan_->takes_scores() && plan_->needs_shortened() &&
                  alpha_index < plan_->spec().alphas.size(),
              "this plan takes no scores of a shortened sequence ", alpha_index);
  teams_->AddShortened(alpha_index, rows);
}

void LayerAnalyzer::Add(const LaneBlock& block) {
  TORCH_CHECK(lanes_ != nullptr, "this plan takes tiles of attention, no lanes");
  lanes_->Add(block);
}

void LayerAnalyzer::AddShortened(size_t alpha_index, const LaneBlock& block) {
  TORCH_CHECK(lanes_ != nullptr, "this plan takes tiles of attention, no lanes");
  TORCH_CHECK(plan_->needs_shortened() && alpha_index < plan_->spec().alphas.size(),
              "this spec takes no attention of a shortened sequence ", alpha_index);
  lanes_->AddShortened(alpha_index, block);
}

at::Tensor LayerAnalyzer::Finish() {
  if (lanes_ != nullptr) return lanes_->Finish();
  return teams_ != nullptr ? teams_->Finish() : tiles_->Finish();
}

}  // namespace ondelette::engine
