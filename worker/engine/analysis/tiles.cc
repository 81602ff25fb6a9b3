#include "worker/engine/analysis/tiles.h"

#include <algorithm>

#include "common/spec/columns.h"
#include "worker/engine/analysis/constants.h"

namespace ondelette::engine {

TileOrder::TileOrder(const AnalysisPlan& plan, int64_t heads)
    : plan_(plan), heads_(heads), next_shortened_(plan.spec().alphas.size(), 0) {}

void TileOrder::Advance(int64_t heads, int64_t first_query, int64_t queries, int64_t tokens,
                        int64_t& next) {
  TORCH_CHECK(heads == heads_, "there are ", heads_, " heads, not ", heads);
  TORCH_CHECK(first_query == next && queries >= 1 && first_query + queries <= tokens,
              "attention tiles must follow each other: query ", next, " was to come, not ",
              first_query);
  next += queries;
}

void TileOrder::Check(const at::Tensor& attention, int64_t first_query, int64_t tokens,
                      int64_t& next) {
  TORCH_CHECK(attention.dim() == 3 && attention.scalar_type() == at::kFloat &&
                  attention.device() == plan_.device(),
              "an attention tile must be float32 [heads, queries, keys] on ", plan_.device());
  const int64_t fewest = plan_.causal() ? first_query + attention.size(1) : tokens;
  TORCH_CHECK(attention.size(2) >= fewest && attention.size(2) <= tokens, "a tile has ", fewest,
              " to ", tokens, " keys here, not ", attention.size(2));
  Advance(attention.size(0), first_query, attention.size(1), tokens, next);
}

void TileOrder::Add(int64_t first_query, const at::Tensor& attention) {
  Check(attention, first_query, plan_.spec().tokens, next_query_);
}

void TileOrder::AddShortened(size_t alpha, int64_t first_query, const at::Tensor& attention) {
  Check(attention, first_query, plan_.shortened_tokens(alpha), next_shortened_[alpha]);
}

void TileOrder::Add(const SoftmaxArguments& rows) {
  Advance(rows.heads, rows.first_query, rows.queries, plan_.spec().tokens, next_query_);
}

void TileOrder::AddShortened(size_t alpha, const SoftmaxArguments& rows) {
  Advance(rows.heads, rows.first_query, rows.queries, plan_.shortened_tokens(alpha),
          next_shortened_[alpha]);
}

void TileOrder::CheckComplete() const {
  const Spec& spec = plan_.spec();
  TORCH_CHECK(next_query_ == spec.tokens, "queries ", next_query_, "..", spec.tokens - 1,
              " never came");
  for (size_t alpha = 0; plan_.needs_shortened() && alpha < next_shortened_.size(); ++alpha) {
    TORCH_CHECK(next_shortened_[alpha] == plan_.shortened_tokens(alpha),
                "the sequence shortened to ", spec.alphas[alpha], " is not complete");
  }
}

at::Tensor PrefixOf(const at::Tensor& attention, int64_t first_query, int64_t tokens) {
  const int64_t count = std::min(attention.size(1), tokens - first_query);
  if (count <= 0) return {};
  return attention.narrow(1, 0, count).narrow(2, 0, std::min(attention.size(2), tokens));
}

at::Tensor OverAllKeys(const at::Tensor& attention, int64_t tokens) {
  const int64_t missing = tokens - attention.size(2);
  return missing == 0 ? attention.contiguous() : at::constant_pad_nd(attention, {0, missing});
}

at::Tensor MakeRecords(const Spec& spec, const Figures& figures, const at::Tensor& non_finite) {
  std::vector<at::Tensor> columns;
  for (const Column& column : Columns(spec)) {
    if (column.metric == kNonFiniteRows) {
      columns.push_back(non_finite);
      continue;
    }
    auto figure = figures.find(column.metric);
    TORCH_CHECK(figure != figures.end(), "no figure is called ", column.metric);
    at::Tensor values =
        column.element < 0 ? figure->second : figure->second.select(1, column.element);
    columns.push_back(values.masked_fill(non_finite > 0, kUndefined));
  }
  return at::stack(columns, 1).to(at::kFloat);
}

}  // namespace ondelette::engine
