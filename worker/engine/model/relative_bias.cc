#include "worker/engine/model/relative_bias.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ondelette::engine {
namespace {

// Bucket of a distance >= 0 among `count`, the first half of which are for single distances.
int64_t OneWay(int64_t distance, int64_t count, int64_t max_distance) {
  const int64_t exact = count / 2;
  if (distance < exact) return distance;
  // Float32 step by step, the logarithm rounded once. These are torch's buckets at every distance to
  // 5,000 for 4 to 128 buckets and max distances from 20 to 2,048; double gives others for a few.
  const float ratio = static_cast<float>(distance) / static_cast<float>(exact);
  const auto length = static_cast<float>(std::log(static_cast<double>(ratio)));
  const auto whole =
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const float stretch = length / whole * static_cast<float>(count - exact);
  return std::min(exact + static_cast<int64_t>(stretch), count - 1);
}

}  // namespace

int64_t RelativeBuckets::Of(int64_t offset) const {
  if (!both_ways) return OneWay(std::max<int64_t>(0, -offset), count, max_distance);
  const int64_t half = count / 2;
  return (offset > 0 ? half : 0) + OneWay(std::abs(offset), half, max_distance);
}

at::Tensor DistanceBias(const RelativeBuckets& buckets, const at::Tensor& biases, int64_t tokens) {
  std::vector<int64_t> places;
  for (int64_t offset = 1 - tokens; offset < tokens; ++offset) places.push_back(buckets.Of(offset));
  at::Tensor rows = at::tensor(places, at::kLong).to(biases.device());
  return biases.index_select(0, rows).t().contiguous();
}

}  // namespace ondelette::engine
