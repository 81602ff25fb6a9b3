#include "worker/engine/analysis/coefficients.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ondelette::engine {

int64_t Coefficients::Size(int64_t rows, const std::vector<int64_t>& lengths) {
  return rows * std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
}

Coefficients::Coefficients(int64_t heads, int64_t rows, std::vector<int64_t> lengths,
                           int64_t capacity, at::Device device)
    : rows_(rows),
      lengths_(std::move(lengths)),
      vector_(at::zeros({heads, capacity}, at::TensorOptions().dtype(at::kFloat).device(device))) {}

void Coefficients::Add(int64_t first, const std::vector<at::Tensor>& levels) {
  int64_t rows = std::min(levels[0].size(1), rows_ - first);
  if (rows <= 0) return;
  int64_t begin = 0;  // of the level, in the vector
  for (size_t level = 0; level < levels.size(); ++level) {
    int64_t at = begin + first * lengths_[level];
    int64_t count = std::min(rows * lengths_[level], vector_.size(1) - at);
    if (count > 0) {
      at::Tensor cut = levels[level].narrow(1, 0, rows).narrow(2, 0, lengths_[level]);
      vector_.narrow(1, at, count).copy_(cut.flatten(1).narrow(1, 0, count));
    }
    begin += rows_ * lengths_[level];
  }
}

at::Tensor Coefficients::Level(size_t level) const {
  int64_t begin = 0;
  for (size_t at = 0; at < level; ++at) begin += rows_ * lengths_[at];
  return vector_.narrow(1, begin, rows_ * lengths_[level])
      .view({vector_.size(0), rows_, lengths_[level]});
}

}  // namespace ondelette::engine
