#include "worker/engine/analysis/scale.h"

namespace ondelette::engine {

std::unique_ptr<ScaleComparison> MakeScaleComparison(ScaleCompare kind, const ScaleShape& shape) {
  switch (kind) {
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
