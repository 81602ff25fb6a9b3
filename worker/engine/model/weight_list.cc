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

void WeightList::Layer(int64_t index, int64_t layers) {
  layer_ = index;
  last_ = index + 1 == layers;
  needed_ = true;
}

void WeightList::ForOutput() { needed_ = !last_; }

WantedWeight& WeightList::Add(std::string name, std::vector<int64_t> shape) {
  WantedWeight& added = wanted_.emplace_back();
  added.name = std::move(name);
  added.shape = std::move(shape);
  added.layer = layer_;
  added.needed = needed_;
  return added;
}

void WeightList::Tensor(const std::string& name, std::vector<int64_t> shape, at::Tensor& into) {
  Add(prefix_ + name, std::move(shape)).tensor = &into;
}

void WeightList::Linear(const std::string& name, int64_t out, int64_t in, bool bias,
                        engine::Linear& into, RowBlocks rows) {
  WantedWeight& weight = Add(absl::StrCat(prefix_, name, ".weight"), {out, in});
  weight.matrix = &into;
  weight.rows = rows;
  if (!bias) return;
  Tensor(name + ".bias", {out}, into.bias);
  wanted_.back().rows = rows;
}

void WeightList::TransposedLinear(const std::string& name, int64_t out, int64_t in,
                                  engine::Linear& into, RowBlocks rows) {
  WantedWeight& weight = Add(absl::StrCat(prefix_, name, ".weight"), {in, out});
  weight.matrix = &into;
  weight.rows = rows;
  weight.transposed = true;
  Tensor(name + ".bias", {out}, into.bias);
  wanted_.back().rows = rows;
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

void WeightList::Embedding(const std::string& name, int64_t rows, int64_t width,
                           engine::Embedding& into) {
  Add(prefix_ + name, {rows, width}).embedding = &into;
}

void WeightList::TiedEmbedding(std::initializer_list<absl::string_view> names,
                               const std::vector<absl::string_view>& whole, int64_t rows,
                               int64_t width, engine::Embedding& into) {
  std::vector<std::string> candidates;
  for (absl::string_view name : names) candidates.push_back(absl::StrCat(prefix_, name));
  for (absl::string_view name : whole) candidates.push_back(absl::StrCat(name));
  // Where there is none, the absence of the first is reported.
  std::string found = candidates.front();
  for (const std::string& name : candidates) {
    if (!checkpoint_.Contains(name)) continue;
    found = name;
    break;
  }
  Add(std::move(found), {rows, width}).embedding = &into;
}

bool WeightList::Has(absl::string_view name) const {
  return checkpoint_.Contains(absl::StrCat(prefix_, name));
}

}  // namespace ondelette::engine
