// One mapped file of named tensors, whatever its format.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_WEIGHT_FILE_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_WEIGHT_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/mapped_file.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {

// Opened only by the functions below, complete and validated from then on. Const methods may be
// called from several threads.
class WeightFile {
 public:
  virtual ~WeightFile() = default;
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  // All tensors, sorted by name, names unique. They live as long as this object.
  virtual const std::vector<TensorView>& tensors() const = 0;
  virtual const std::string& path() const = 0;
  virtual const MappedFile& file() const = 0;
  // Compares the bytes of one of tensors() with the checksum the format carries for them, at most
  // once per stored block. OK where the format has none. DATA_LOSS CHECKPOINT_CORRUPT.
  virtual absl::Status Verify(const TensorView& tensor) const = 0;

  // nullptr where there is none.
  const TensorView* Find(absl::string_view name) const;

 protected:
  WeightFile() = default;
};

// Maps a file of weights. Beyond MappedFile's errors, refuses the pointers that git-lfs leaves
// where it was not allowed to fetch the files themselves.
absl::StatusOr<MappedFile> MapWeights(const std::string& path);

// safetensors (safetensors.cc has the format). Errors as Checkpoint::Open's.
absl::StatusOr<std::unique_ptr<WeightFile>> OpenSafetensors(const std::string& path);
// A state dict written by torch.save (torch_file.cc has the format). Errors as Checkpoint::Open's.
absl::StatusOr<std::unique_ptr<WeightFile>> OpenTorchFile(const std::string& path);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_WEIGHT_FILE_H_
