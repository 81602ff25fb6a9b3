#include "worker/engine/analysis/signal_sources.h"

#include <algorithm>

namespace ondelette::engine {
namespace {

// One source for each head and each query from `skipped` on: source(row's first number, query's
// index in the tile, its keys or nullptr).
template <typename Source>
std::vector<SignalSource> ForEachRow(const at::Tensor& attention, int64_t skipped,
                                     const at::Tensor& keys, Source source) {
  TORCH_CHECK(attention.is_contiguous(), "attention must be contiguous");
  const int64_t heads = attention.size(0), queries = attention.size(1), width = attention.size(2);
  std::vector<SignalSource> sources;
  sources.reserve(static_cast<size_t>(heads * (queries - skipped)));
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t query = skipped; query < queries; ++query) {
      const float* row = attention.data_ptr<float>() + (head * queries + query) * width;
      const int32_t* row_keys =
          keys.defined() ? keys.data_ptr<int32_t>() + (query - skipped) * keys.size(1) : nullptr;
      sources.push_back(source(row, query, row_keys));
    }
  }
  return sources;
}

}  // namespace

std::vector<SignalSource> RowSources(int64_t first_query, const at::Tensor& attention, Sink sink,
                                     const at::Tensor& keys) {
  const int64_t dropped = sink == Sink::kDropped ? 1 : 0;
  return ForEachRow(attention, first_query == 0 ? dropped : 0, keys,
                    [dropped](const float* row, int64_t /*query*/, const int32_t* row_keys) {
                      return SignalSource{row + dropped, 1, row + dropped, row_keys};
                    });
}

std::vector<SignalSource> WindowSources(int64_t first_query, const at::Tensor& attention,
                                        int64_t window, const at::Tensor& keys) {
  const int64_t skipped = std::clamp<int64_t>(window - first_query, 0, attention.size(1));
  return ForEachRow(attention, skipped, keys,
                    [first_query](const float* row, int64_t query, const int32_t* row_keys) {
                      return SignalSource{row + first_query + query, -1, row, row_keys};
                    });
}

}  // namespace ondelette::engine
