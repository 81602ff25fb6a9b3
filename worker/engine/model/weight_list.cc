#include "worker/engine/model/weight_list.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ondelette::engine {

WeightList::WeightList(const Checkpoint& checkpoint, absl::string_view prefix,
                       absl::string_view probe)
    : checkpoint_(checkpoint) {
  if (checkpoint.Contains(absl::StrCat(prefix, probe)))
    prefix_.assign(prefix.data(), prefix.size());
}

void WeightList::Tensor(const std::string& name, std::vector<int64_t> shape, at::Tensor& into) {
  wanted_.push_back({prefix_ + name, std::move(shape), &into});
}

void WeightList::Linear(const std::string& name, int64_t out, int64_t in, bool bias,
                        engine::Linear& into) {
  linears_.push_back(&into);
  Tensor(name + ".weight", {out, in}, into.weight);
  if (bias) Tensor(name + ".bias", {out}, into.bias);
}

void WeightList::TransposedLinear(const std::string& name, int64_t out, int64_t in,
                                  engine::Linear& into) {
  linears_.push_back(&into);
  Tensor(name + ".weight", {in, out}, into.weight);
  wanted_.back().transposed = true;
  Tensor(name + ".bias", {out}, into.bias);
}

void WeightList::LayerNorm(const std::string& name, int64_t width, double epsilon,
                           engine::LayerNorm& into) {
  const bool old = checkpoint_.Contains(absl::StrCat(prefix_, name, ".gamma"));
  into.epsilon = epsilon;
  Tensor(name + (old ? ".gamma" : ".weight"), {width}, into.weight);
  Tensor(name + (old ? ".beta" : ".bias"), {width}, into.bias);
}

void WeightList::RmsNorm(const std::string& name, int64_t width, double epsilon,
                         engine::RmsNorm& into) {
  into.epsilon = epsilon;
  Tensor(name + ".weight", {width}, into.weight);
}

bool WeightList::Has(absl::string_view name) const {
  return checkpoint_.Contains(absl::StrCat(prefix_, name));
}

void WeightList::Embedding(std::initializer_list<absl::string_view> names,
                           const std::vector<absl::string_view>& whole, int64_t rows, int64_t width,
                           at::Tensor& into) {
  std::vector<std::string> candidates;
  for (absl::string_view name : names) candidates.push_back(absl::StrCat(prefix_, name));
  for (absl::string_view name : whole) candidates.push_back(absl::StrCat(name));
  for (const std::string& name : candidates) {
    if (checkpoint_.Contains(name)) {
      wanted_.push_back({name, {rows, width}, &into});
      return;
    }
  }
  wanted_.push_back({candidates.front(), {rows, width}, &into});  // its absence is reported
}

absl::Status WeightList::Load(at::Device device, LoadProgress progress) {
  absl::Status status = LoadWeights(checkpoint_, wanted_, device, progress);
  if (!status.ok()) return status;
  for (engine::Linear* linear : linears_) linear->Pack();
  return status;
}

}  // namespace ondelette::engine
