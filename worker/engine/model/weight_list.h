// The tensors a network needs, named piece by piece as its checkpoint names them.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/weights.h"

namespace ondelette::engine {

// Not thread-safe. What is added must stay in place as long as the network.
class WeightList {
 public:
  // Every name is preceded by `prefix` where the checkpoint holds PREFIX + `probe`, as those of
  // whole language models do; those of bare models have none.
  WeightList(const Checkpoint& checkpoint, absl::string_view prefix, absl::string_view probe);

  // What is added from here on is layer `index`'s, of `layers`; before the first call, everybody's.
  void Layer(int64_t index, int64_t layers);
  // What is added from here on serves this layer's output, which nobody asks of the last one.
  void ForOutput();

  void Tensor(const std::string& name, std::vector<int64_t> shape, at::Tensor& into);
  // NAME.weight [out, in] and, where there is one, NAME.bias [out]. With `rows`, these alone.
  void Linear(const std::string& name, int64_t out, int64_t in, bool bias, engine::Linear& into,
              RowBlocks rows = {});
  // The same of GPT-2, whose matrices stand transposed, [in, out] (transformers' Conv1D).
  void TransposedLinear(const std::string& name, int64_t out, int64_t in, engine::Linear& into,
                        RowBlocks rows = {});
  // NAME.weight and NAME.bias, or, as old BERT checkpoints have it, NAME.gamma and NAME.beta.
  void LayerNorm(const std::string& name, int64_t width, double epsilon, engine::LayerNorm& into);
  void RmsNorm(const std::string& name, int64_t width, double epsilon, engine::RmsNorm& into);
  void Embedding(const std::string& name, int64_t rows, int64_t width, engine::Embedding& into);
  // Token embeddings [rows, width] under the first of the names that the checkpoint holds: tied
  // ones may be stored under any of their names. `whole` are names without the prefix.
  void TiedEmbedding(std::initializer_list<absl::string_view> names,
                     const std::vector<absl::string_view>& whole, int64_t rows, int64_t width,
                     engine::Embedding& into);

  // Whether the checkpoint has this tensor.
  bool Has(absl::string_view name) const;

  const std::vector<WantedWeight>& wanted() const { return wanted_; }

 private:
  WantedWeight& Add(std::string name, std::vector<int64_t> shape);

  const Checkpoint& checkpoint_;
  std::string prefix_;
  std::vector<WantedWeight> wanted_;
  int64_t layer_ = -1;
  bool last_ = false;   // this layer's output is not asked for
  bool needed_ = true;  // what is added now
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_
