// A checkpoint folder as named tensors: config.json and weights in any layout Hugging Face uses.
//
// Looked for, in this order: model.safetensors, model.safetensors.index.json with its shards,
// pytorch_model.bin, pytorch_model.bin.index.json with its shards. Links are followed (the Hugging
// Face cache is made of them); shard names that leave the folder are refused.
//
// Files are mapped, never copied, and fully validated by Open before anything of their size is
// allocated; weight bytes are touched only when a tensor is asked for. A file that shrinks while it
// is mapped kills the process with SIGBUS: only the engine, a child that the agent restarts, reads
// weights. Tensors the network does not use (GPT-NeoX's attention.bias, masked_bias,
// rotary_emb.inv_freq) are simply there, unasked for.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_CHECKPOINT_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/model_config.h"
#include "worker/engine/checkpoint/tensor_view.h"
#include "worker/engine/checkpoint/weight_file.h"

namespace ondelette {

// Movable, not copyable; const methods may be called from several threads. Views given out live as
// long as the Checkpoint, also after it was moved.
class Checkpoint {
 public:
  // Errors name the file, and the tensor or field where there is one:
  //   NOT_FOUND CHECKPOINT_INCOMPLETE      no weights (lists what was looked for), a shard or
  //                                        config.json is missing
  //   DATA_LOSS CHECKPOINT_CORRUPT         a file contradicts itself
  //   UNIMPLEMENTED CHECKPOINT_UNSUPPORTED a valid file of a kind that is not read
  //   and those of ReadModelConfig.
  static absl::StatusOr<Checkpoint> Open(const std::string& folder);

  const ModelConfig& config() const { return config_; }
  const std::string& folder() const { return folder_; }
  // Weight files that hold the tensors, shards in the order of their names.
  std::vector<std::string> files() const;
  // Every tensor name, sorted.
  std::vector<absl::string_view> TensorNames() const;
  // Stored bytes of all tensors, for estimating memory before a load.
  int64_t TotalBytes() const;

  bool Contains(absl::string_view name) const;

  // The tensor, after its shape was compared: NOT_FOUND CHECKPOINT_INCOMPLETE, INVALID_ARGUMENT
  // CHECKPOINT_SHAPE.
  absl::StatusOr<TensorView> Find(absl::string_view name,
                                  std::span<const int64_t> expected_shape) const;
  // These three take the name of a tensor that is there. The bytes against the file's checksum
  // (PyTorch's zips carry one): DATA_LOSS CHECKPOINT_CORRUPT; MappedFile's ReadAhead and Release.
  absl::Status Verify(absl::string_view name) const;
  void ReadAhead(absl::string_view name) const;
  void Release(absl::string_view name) const;

  // The tensor, after its shape was compared and its checksum (PyTorch's zips carry one) verified.
  // NOT_FOUND CHECKPOINT_INCOMPLETE, INVALID_ARGUMENT CHECKPOINT_SHAPE, DATA_LOSS
  // CHECKPOINT_CORRUPT.
  absl::StatusOr<TensorView> Tensor(absl::string_view name,
                                    std::span<const int64_t> expected_shape) const;
  absl::StatusOr<TensorView> Tensor(absl::string_view name,
                                    std::initializer_list<int64_t> expected_shape) const {
    return Tensor(name, std::span<const int64_t>(expected_shape.begin(), expected_shape.size()));
  }

 private:
  struct Place {
    const WeightFile* file;
    const TensorView* view;
  };

  Checkpoint() = default;
  absl::Status OpenSingle(const std::string& name);
  absl::Status OpenSharded(const std::string& index_name);

  std::string folder_;
  ModelConfig config_;
  std::vector<std::unique_ptr<WeightFile>> files_;
  absl::flat_hash_map<absl::string_view, Place> tensors_;  // keys live in files_
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_CHECKPOINT_H_
