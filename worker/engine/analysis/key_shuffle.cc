#include "worker/engine/analysis/key_shuffle.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "worker/engine/analysis/counter_hash.h"

namespace ondelette::engine {
namespace {

constexpr uint64_t kShuffleSeed = 0x6f6e64656c657474ULL;  // "ondelett"

// Fisher-Yates over the keys that row `row` may see, from the last one down; `steps` of them leave as
// many of the last keys as they will be. visit(k, j): k and j <= k change places.
template <typename Visit>
void ForEachSwap(int64_t row, int64_t seen, int64_t steps, Visit visit) {
  const uint64_t key = CounterHash(CounterHash(kShuffleSeed, row), seen);
  for (int64_t k = seen - 1; k > 0 && k >= seen - steps; --k) {
    visit(k, CounterHashBelow(key, k, k + 1));
  }
}

// The whole permutation; the identity beyond the keys seen.
void PermuteRow(int64_t row, bool causal, std::span<int32_t> out) {
  std::iota(out.begin(), out.end(), 0);
  const auto total = static_cast<int64_t>(out.size());
  const int64_t seen = causal ? std::min(row + 1, total) : total;
  ForEachSwap(row, seen, seen, [out](int64_t k, int64_t j) { std::swap(out[k], out[j]); });
}

// Of a causal row, the last `window` keys of the permutation: a few steps instead of all. `out` is
// the identity before; what the caller has to put back is `touched`.
void PermuteWindow(int64_t row, int64_t window, std::span<int32_t> out,
                   std::vector<int64_t>& touched) {
  ForEachSwap(row, row + 1, window, [&](int64_t k, int64_t j) {
    std::swap(out[k], out[j]);
    touched.push_back(k);
    touched.push_back(j);
  });
}

at::Tensor Gather(const at::Tensor& rows, const at::Tensor& keys) {
  return rows.gather(2, keys.to(at::kLong).unsqueeze(0).expand({rows.size(0), -1, -1}));
}

}  // namespace

at::Tensor KeyPermutations(int64_t first, int64_t count, int64_t keys, bool causal) {
  at::Tensor table = at::empty({count, keys}, at::kInt);
  auto* out = table.data_ptr<int32_t>();
  for (int64_t row = 0; row < count; ++row) {
    PermuteRow(first + row, causal, std::span(out + row * keys, keys));
  }
  return table;
}

RowShuffle::RowShuffle(int64_t keys, bool causal, at::Device device)
    : keys_(keys), causal_(causal), device_(device) {
  if (keys * keys * static_cast<int64_t>(sizeof(int32_t)) <= kMostHeld) {
    held_ = KeyPermutations(0, keys, keys, causal).to(device);
  }
}

at::Tensor RowShuffle::Apply(int64_t first, const at::Tensor& rows) const {
  return Gather(rows, Keys(first, rows.size(1)));
}

at::Tensor RowShuffle::Keys(int64_t first, int64_t count) const {
  return held_.defined() ? held_.narrow(0, first, count)
                         : KeyPermutations(first, count, keys_, causal_).to(device_);
}

WindowShuffle::WindowShuffle(int64_t keys, int64_t window, bool causal, at::Device device)
    : window_(window) {
  at::Tensor table = at::empty({keys - window, window}, at::kInt);
  auto* out = table.data_ptr<int32_t>();
  std::vector<int32_t> row(keys);
  std::iota(row.begin(), row.end(), 0);
  std::vector<int64_t> touched;
  for (int64_t query = window; query < keys; ++query) {
    if (causal) {
      PermuteWindow(query, window, row, touched);
    } else {
      PermuteRow(query, causal, row);
    }
    out = std::reverse_copy(row.begin() + query + 1 - window, row.begin() + query + 1, out);
    for (int64_t at : touched) row[at] = static_cast<int32_t>(at);
    touched.clear();
  }
  keys_ = table.to(device);
}

at::Tensor WindowShuffle::Apply(int64_t first, const at::Tensor& attention) const {
  return Gather(attention, Keys(first, attention.size(1)));
}

at::Tensor WindowShuffle::Keys(int64_t first, int64_t count) const {
  return keys_.narrow(0, first - window_, count);
}

}  // namespace ondelette::engine
