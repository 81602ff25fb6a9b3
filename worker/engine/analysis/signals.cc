#include "worker/engine/analysis/signals.h"

#include <algorithm>
#include <limits>

#include "worker/engine/analysis/constants.h"

namespace ondelette::engine {
namespace {

// values / mass where mass is large enough, zeros elsewhere. Takes `values` over.
SignalTile Renormalise(int64_t first, at::Tensor values, const at::Tensor& mass) {
  at::Tensor filled = mass > kMinimumMass;
  at::Tensor divisor = mass.masked_fill(~filled, std::numeric_limits<double>::infinity());
  return {first, values.div_(divisor.unsqueeze(-1)), filled, {}};
}

}  // namespace

void TransformOnce(const Wavelet& wavelet, SignalTile& tile) {
  if (tile.levels.empty()) tile.levels = wavelet.Transform(tile.values);
}

SignalTile PrepareRows(int64_t first_query, const at::Tensor& attention, Sink sink) {
  if (sink == Sink::kKept) {
    at::Tensor filled =
        at::ones({attention.size(0), attention.size(1)}, attention.options().dtype(at::kBool));
    return {first_query, attention.to(at::kDouble), filled, {}};
  }
  int64_t skipped = first_query == 0 ? 1 : 0;
  at::Tensor rest = attention.slice(1, skipped).slice(2, 1).to(at::kDouble).contiguous();
  return Renormalise(first_query + skipped - 1, rest, rest.sum(-1));
}

at::Tensor RelativeWindows(int64_t& first_query, const at::Tensor& attention, int64_t window) {
  int64_t skipped = std::clamp<int64_t>(window - first_query, 0, attention.size(1));
  first_query += skipped;
  // Row r of what is left holds the keys first + r - window + 1 .. first + r: one further right in
  // each row, which is a stride.
  at::Tensor rows = attention.slice(1, skipped).contiguous();
  int64_t queries = rows.size(1);
  int64_t keys = rows.size(2);
  if (queries == 0) return rows.narrow(2, 0, 0);
  int64_t offset = rows.storage_offset() + first_query - window + 1;
  return rows.as_strided({rows.size(0), queries, window}, {queries * keys, keys + 1, 1}, offset)
      .flip(-1);
}

SignalTile NormaliseWindows(int64_t first, const at::Tensor& windows) {
  at::Tensor values = windows.to(at::kDouble);
  return Renormalise(first, values, values.sum(-1));
}

void ReceivedSums::Add(const SignalTile& rows) {
  AddSums(rows.values.sum(1), rows.filled.sum(1, /*keepdim=*/false, at::kDouble));
}

void ReceivedSums::AddFilled(const at::Tensor& rows, int64_t keys) {
  at::Tensor sum =
      at::constant_pad_nd(rows.sum(1, /*keepdim=*/false, at::kDouble), {0, keys - rows.size(2)});
  AddSums(sum, at::full({rows.size(0)}, rows.size(1), sum.options()));
}

void ReceivedSums::AddSums(const at::Tensor& sum, const at::Tensor& count) {
  sum_ = sum_.defined() ? sum_.add_(sum) : sum;
  count_ = count_.defined() ? count_.add_(count) : count;
}

SignalTile ReceivedSums::Signal() const {
  at::Tensor filled = count_ > 0;
  at::Tensor divisor = count_.masked_fill(~filled, 1.0);
  return {0, (sum_ / divisor.unsqueeze(-1)).unsqueeze(1), filled.unsqueeze(1), {}};
}

std::optional<SignalTile> RowSignals::Add(const SignalTile& rows) {
  switch (kind_) {
    case Signal::kReceived:
      received_.Add(rows);
      return std::nullopt;
    case Signal::kLast: {
      int64_t last = rows_ - 1 - rows.first;
      if (last < 0 || last >= rows.count()) return std::nullopt;
      return SignalTile{
          rows_ - 1, rows.values.narrow(1, last, 1), rows.filled.narrow(1, last, 1), {}};
    }
    default:
      return rows;
  }
}

std::optional<SignalTile> RowSignals::Finish() const {
  if (kind_ != Signal::kReceived) return std::nullopt;
  return received_.Signal();
}

}  // namespace ondelette::engine
