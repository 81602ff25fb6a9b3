#include "worker/engine/analysis/lane_shuffle.h"

#include <algorithm>

#include "worker/engine/analysis/key_shuffle.h"
#include "worker/engine/lanes/lane_block.h"

namespace ondelette::engine {
namespace {

constexpr int64_t kMostHeld = 256 << 20;

int64_t Blocks(int64_t queries) { return (queries + kLaneCount - 1) / kLaneCount; }

}  // namespace

bool RowLaneShuffle::Serves(int64_t keys, bool causal) {
  const int64_t bytes = keys * keys * static_cast<int64_t>(sizeof(uint16_t)) / (causal ? 2 : 1);
  return keys <= 65536 && bytes <= kMostHeld;
}

RowLaneShuffle::RowLaneShuffle(int64_t keys, int64_t first_row, bool causal) : begins_{0} {
  for (int64_t block = 0; block < Blocks(keys - first_row); ++block) {
    const int64_t row = first_row + block * kLaneCount;
    const int64_t count = causal ? std::min(keys, row + kLaneCount) : keys;
    const auto at = static_cast<int64_t>(permutations_.size());
    permutations_.resize(static_cast<size_t>(at + count * kLaneCount));
    for (int64_t lane = 0; lane < kLaneCount; ++lane) {
      uint16_t* out = permutations_.data() + at + lane;
      const bool exists = row + lane >= 0 && row + lane < keys;
      at::Tensor held;
      if (exists) held = KeyPermutations(row + lane, 1, keys, causal);
      const int32_t* permutation = exists ? held.data_ptr<int32_t>() : nullptr;
      for (int64_t t = 0; t < count; ++t) {
        out[t * kLaneCount] = static_cast<uint16_t>(exists ? permutation[t] : t);
      }
    }
    begins_.push_back(begins_.back() + count);
  }
}

RowLaneShuffle::Keys RowLaneShuffle::Of(int64_t block) const {
  const int64_t begin = begins_[static_cast<size_t>(block)];
  return {permutations_.data() + begin * kLaneCount,
          begins_[static_cast<size_t>(block + 1)] - begin};
}

WindowLaneShuffle::WindowLaneShuffle(int64_t keys, int64_t window, bool causal)
    : window_(window), keys_(static_cast<size_t>(Blocks(keys) * window * kLaneCount)) {
  const WindowShuffle shuffle(keys, window, causal, at::kCPU);
  const at::Tensor held = shuffle.Keys(window, keys - window);
  const auto* from = held.data_ptr<int32_t>();
  for (int64_t query = window; query < keys; ++query, from += window) {
    int32_t* out = keys_.data() + query / kLaneCount * window * kLaneCount + query % kLaneCount;
    for (int64_t d = 0; d < window; ++d) out[d * kLaneCount] = from[d];
  }
}

const int32_t* WindowLaneShuffle::Of(int64_t block) const {
  return keys_.data() + block * window_ * kLaneCount;
}

}  // namespace ondelette::engine
