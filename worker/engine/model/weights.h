// Checkpoint tensors as the network's float32 tensors on its device.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/pieces.h"

namespace ondelette::engine {

// Which rows of a tensor are meant: of every `period` rows those from `first`, `count` of them.
// Period 0: all.
struct RowBlocks {
  int64_t period = 0, first = 0, count = 0;
};

// A tensor the network needs, and where it goes.
struct WantedWeight {
  std::string name;  // as it stands in the checkpoint
  std::vector<int64_t> shape;
  // One of these.
  at::Tensor* tensor = nullptr;
  Linear* matrix = nullptr;        // packed for the device, if it can be
  Embedding* embedding = nullptr;  // in the type it is stored in, unless that is F64

  RowBlocks rows = {};      // of a tensor or matrix; of a transposed one its columns
  bool transposed = false;  // a matrix that is stored [in, out]
  int64_t layer = -1;       // whose it is; -1: needed at all times
  bool needed = true;       // false: it must be there and have this shape, and is not read
};

// What came of it.
struct LoadedWeight {
  at::Tensor tensor;
  std::shared_ptr<const PackedMatrix> packed;
};

// Called after every tensor with the bytes loaded so far and in all, as they will stand in memory.
using LoadProgress = std::function<void(int64_t bytes_done, int64_t bytes_total)>;

// Bytes it takes in the device's memory, of a shape that the checkpoint has.
int64_t LoadedBytes(const Checkpoint& checkpoint, const WantedWeight& weight, at::Device device);

// Whether every tensor is in the checkpoint and has its shape. Errors are Checkpoint::Find's.
absl::Status CheckWeights(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted);

// Reads those that are needed, on all threads, the file's next bytes on their way meanwhile; an
// unneeded one's result is empty. `progress` is called on this thread. Errors are
// Checkpoint::Verify's and WidenToFloat's (NaN or Inf); each names file and tensor.
absl::StatusOr<std::vector<LoadedWeight>> ReadWeights(const Checkpoint& checkpoint,
                                                      const std::vector<WantedWeight>& wanted,
                                                      at::Device device,
                                                      const LoadProgress& progress);

// Gives a weight its place in the network, or takes it from there.
void PutWeight(const WantedWeight& wanted, LoadedWeight loaded);
void DropWeight(const WantedWeight& wanted);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_
