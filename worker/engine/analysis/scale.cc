#include "worker/engine/analysis/scale.h"

#include "worker/engine/analysis/plan.h"

namespace ondelette::engine {
namespace {

ScaleShape ShapeOf(const AnalysisPlan& plan, int64_t heads) {
  ScaleShape shape;
  shape.heads = heads;
  shape.device = plan.device();
  shape.rows = plan.rows(plan.spec().tokens);
  shape.wavelet = &plan.wavelet();
  for (size_t alpha = 0; alpha < plan.spec().alphas.size(); ++alpha) {
    shape.shortened_rows.push_back(plan.rows(plan.shortened_tokens(alpha)));
    shape.shortened.push_back(&plan.shortened_wavelet(alpha));
  }
  return shape;
}

}  // namespace

std::unique_ptr<ScaleComparison> MakeScaleComparison(const AnalysisPlan& plan, int64_t heads) {
  const ScaleShape shape = ShapeOf(plan, heads);
  switch (plan.spec().scale_compare) {
    case ScaleCompare::kConcatTruncate:
      return MakeConcatTruncate(shape);
    case ScaleCompare::kLevelCosine:
      return MakeLevelCosine(shape);
    case ScaleCompare::kProfileDistance:
      break;
  }
  return MakeProfileDistance(shape);
}

}  // namespace ondelette::engine
