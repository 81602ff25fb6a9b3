#include "worker/engine/analysis/masses.h"

#include "worker/engine/analysis/constants.h"

namespace ondelette::engine {

at::Tensor CountNonFiniteRows(const at::Tensor& attention) {
  // In float64 no sum of finite float32 overflows, so a row's sum is finite just when the row is.
  at::Tensor mass = attention.sum(-1, /*keepdim=*/false, at::kDouble);
  return mass.isfinite().logical_not_().sum(-1, /*keepdim=*/false, at::kDouble);
}

void MassSums::Add(int64_t first_query, const at::Tensor& attention) {
  int64_t queries = attention.size(1);
  int64_t keys = attention.size(2);
  AddTo(sink_,
        attention.slice(1, first_query == 0 ? 1 : 0).select(2, 0).sum(-1, false, at::kDouble));
  at::TensorOptions integers = at::TensorOptions().dtype(at::kLong).device(attention.device());
  at::Tensor near = at::arange(first_query, first_query + queries, integers).unsqueeze(1) +
                    at::arange(1 - kLocalWidth, kLocalWidth, integers);
  at::Tensor inside = (near >= 0) & (near < keys);
  at::Tensor index = near.clamp(0, keys - 1).unsqueeze(0).expand({attention.size(0), -1, -1});
  at::Tensor mass = SumWhere(inside, attention.gather(2, index).to(at::kDouble));
  AddTo(local_, mass.sum(-1));
}

void MassSums::Finish(int64_t queries, Figures& figures) const {
  figures["sink_mass"] = sink_ / static_cast<double>(queries - 1);
  figures["local_mass_16"] = local_ / static_cast<double>(queries);
}

}  // namespace ondelette::engine
