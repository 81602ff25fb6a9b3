#include "worker/engine/analysis/lane_analysis.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/shortened.h"
#include "worker/engine/analysis/signals.h"
#include "worker/engine/analysis/window_entropy.h"

namespace ondelette::engine {
namespace {

// Counts the block's queries in.
void Advance(const LaneBlock& block, int64_t& next) {
  TORCH_CHECK(block.first_query == next, "attention must come in order: query ", next,
              " was to come, not ", block.first_query);
  next += block.queries;
}

}  // namespace

LaneAnalysis::LaneAnalysis(const LanePlan& plan, int64_t heads) : plan_(plan) {
  const std::vector<int64_t> none(plan.spec.alphas.size(), 0);
  for (int64_t head = 0; head < heads; ++head) heads_.push_back({HeadLanes(plan), 0, none});
}

LaneAnalysis::Head& LaneAnalysis::Check(const LaneBlock& block, int64_t tokens) {
  TORCH_CHECK(block.head >= 0 && block.head < static_cast<int64_t>(heads_.size()) &&
                  block.keys == tokens && block.first_query % kLaneCount == 0,
              "a block of lanes must be of one of ", heads_.size(), " heads and ", tokens, " keys");
  return heads_[static_cast<size_t>(block.head)];
}

void LaneAnalysis::Add(const LaneBlock& block) {
  Head& head = Check(block, plan_.spec.tokens);
  Advance(block, head.next_query);
  head.lanes.Add(block);
}

void LaneAnalysis::AddShortened(size_t alpha, const LaneBlock& block) {
  Head& head = Check(block, ShortenedLength(plan_.spec.alphas[alpha], plan_.spec.tokens));
  Advance(block, head.next_shortened[alpha]);
  head.lanes.AddShortened(alpha, block);
}

void LaneAnalysis::CheckComplete(const Head& head) const {
  const Spec& spec = plan_.spec;
  TORCH_CHECK(head.next_query == spec.tokens, "queries ", head.next_query, "..", spec.tokens - 1,
              " never came");
  for (size_t alpha = 0; plan_.needs_shortened && alpha < spec.alphas.size(); ++alpha) {
    TORCH_CHECK(head.next_shortened[alpha] == ShortenedLength(spec.alphas[alpha], spec.tokens),
                "the sequence shortened to ", spec.alphas[alpha], " is not complete");
  }
}

// [heads].
at::Tensor LaneAnalysis::WindowEntropies(int width) const {
  std::vector<at::Tensor> received;
  for (const Head& head : heads_)
    received.push_back(at::tensor(head.lanes.Received(), at::kDouble));
  SignalTile signals;
  signals.values = at::stack(received, 0).unsqueeze(1);
  signals.filled = signals.values.isnan().any(2).logical_not();
  return WindowEntropy(signals, width);
}

at::Tensor LaneAnalysis::Finish() {
  const std::vector<Column> columns = Columns(plan_.spec);
  at::Tensor records = at::empty(
      {static_cast<int64_t>(heads_.size()), static_cast<int64_t>(columns.size())}, at::kFloat);
  std::map<std::string, at::Tensor> window_entropies;
  for (int width : plan_.relative() ? std::vector<int>{} : plan_.spec.window_sizes) {
    window_entropies[absl::StrCat("window_entropy_", width)] = WindowEntropies(width);
  }
  auto* out = records.data_ptr<float>();
  for (size_t at = 0; at < heads_.size(); ++at) {
    Head& head = heads_[at];
    CheckComplete(head);
    HeadLanes::HeadFigures figures = head.lanes.Finish();
    for (const auto& [name, values] : window_entropies) {
      figures[name] = {values[static_cast<int64_t>(at)].item<double>()};
    }
    const double non_finite = head.lanes.non_finite_rows();
    figures[kNonFiniteRows] = {non_finite};
    for (const Column& column : columns) {
      auto figure = figures.find(column.metric);
      TORCH_CHECK(figure != figures.end(), "no figure is called ", column.metric);
      const bool defined = non_finite == 0 || column.metric == kNonFiniteRows;
      const double value = figure->second[column.element < 0 ? 0 : column.element];
      *out++ = static_cast<float>(defined ? value : kUndefined);
    }
  }
  return records;
}

}  // namespace ondelette::engine
