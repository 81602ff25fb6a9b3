// The tensors a network needs, named piece by piece as its checkpoint names them.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/pieces.h"
#include "worker/engine/model/weights.h"

namespace ondelette::engine {

// Not thread-safe. What is added must stay in place until the weights are loaded.
class WeightList {
 public:
  // Every name is preceded by `prefix` where the checkpoint holds PREFIX + `probe`, as those of
  // whole language models do; those of bare models have none.
  WeightList(const Checkpoint& checkpoint, absl::string_view prefix, absl::string_view probe);

  void Tensor(const std::string& name, std::vector<int64_t> shape, at::Tensor& into);
  // NAME.weight [out, in] and, where there is one, NAME.bias [out].
  void Linear(const std::string& name, int64_t out, int64_t in, bool bias, Linear& into);
  // The same of GPT-2, whose matrices stand transposed, [in, out] (transformers' Conv1D).
  void TransposedLinear(const std::string& name, int64_t out, int64_t in, engine::Linear& into);
  // NAME.weight and NAME.bias, or, as old BERT checkpoints have it, NAME.gamma and NAME.beta.
  void LayerNorm(const std::string& name, int64_t width, double epsilon, LayerNorm& into);
  void RmsNorm(const std::string& name, int64_t width, double epsilon, RmsNorm& into);
  // Token embeddings [rows, width] under the first of the names that the checkpoint holds: tied
  // ones may be stored under any of their names. `whole` are names without the prefix.
  void Embedding(std::initializer_list<absl::string_view> names,
                 const std::vector<absl::string_view>& whole, int64_t rows, int64_t width,
                 at::Tensor& into);

  // Whether the checkpoint has this tensor.
  bool Has(absl::string_view name) const;

  // LoadWeights of everything that was named, and matrices packed for the device.
  absl::Status Load(at::Device device, LoadProgress progress);

 private:
  const Checkpoint& checkpoint_;
  std::string prefix_;
  std::vector<WantedWeight> wanted_;
  std::vector<engine::Linear*> linears_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_WEIGHT_LIST_H_
